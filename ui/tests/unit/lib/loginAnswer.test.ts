import { describe, expect, it } from 'vitest';

import { session } from '@/api/session';
import { fileName } from '@/lib/download';
import { parseLoginAnswer } from '@/lib/loginAnswer';

// Central escapes the fragment once more, after its values.
const fragment = (fields: Record<string, string>) => `#${new URLSearchParams(fields).toString().replaceAll('%', '%25')}`;

describe('the answer of a login elsewhere', () => {
    it('brings a token and the state', () => {
        expect(parseLoginAnswer(fragment({ token: 'a.b.c', state: 's&1', type: 'basic' }))).toEqual({ kind: 'login', token: 'a.b.c', state: 's&1' });
    });
    it('brings an error', () => {
        expect(parseLoginAnswer(fragment({ test: 'false', error: 'invalid username or password' }))).toEqual({ kind: 'failed', error: 'invalid username or password', isTest: false });
    });
    it.each(['', '#', '#%E0%A4%A', '#state=x'])('%j is a failure', (text) => {
        expect(parseLoginAnswer(text).kind).toBe('failed');
    });
    it('of a test names the user', () => {
        const user = btoa(JSON.stringify({ userId: 'u', userInfo: { username: 'ann' } }));
        expect(parseLoginAnswer(fragment({ test: 'true', user }))).toEqual({ kind: 'test', user: 'ann' });
        expect(parseLoginAnswer(fragment({ test: 'true', user: '!' }))).toMatchObject({ kind: 'test' });
    });
    it('counts only once, and only for the login that was begun', () => {
        const state = session.beginLogin();
        expect(session.takeLogin('else')).toBe(false);
        expect(session.takeLogin(state)).toBe(false);
        const again = session.beginLogin();
        expect([session.takeLogin(again), session.takeLogin(again)]).toEqual([true, false]);
    });
});

describe('names of files', () => {
    it.each([['Log4Shell: log4j RCE', 'log4shell-log4j-rce'], ['…', 'file'], ['../x', 'x']])('%s is %s', (text, name) => {
        expect(fileName(text)).toBe(name);
    });
});
