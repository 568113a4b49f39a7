import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError, errorText, get, request } from '@/api/client';
import { connection } from '@/api/connection';
import { loginWithPassword } from '@/api/login';
import { session } from '@/api/session';

const PROVIDER = { id: '4df1b98c-24ed-4073-a9ad-356aec6bb62d', name: 'basic', type: 'basic', loginUrl: '' };

function answerWith(status: number, body: string): void {
    vi.stubGlobal('fetch', vi.fn(() => Promise.resolve(new Response(body, { status }))));
}
function headersOf(call: number): Headers {
    const [, init] = vi.mocked(fetch).mock.calls[call] ?? [];
    return new Headers(init?.headers);
}
async function failure(promise: Promise<unknown>): Promise<ApiError> {
    return promise.then(
        () => Promise.reject(new Error('it succeeded')),
        (error: unknown) => (error instanceof ApiError ? error : Promise.reject(error as Error))
    );
}

describe('request', () => {
    beforeEach(() => session.begin('abc'));

    it('asks nothing of Central without a token', async () => {
        session.logout();
        expect((await failure(get('/v1/policies'))).status).toBe(401);
        expect(fetch).not.toHaveBeenCalled();
    });
    it('sends the token and shows the gateway message of an error', async () => {
        session.begin('abc');
        answerWith(404, '{"code":5,"message":"no such thing: not found","details":[],"error":"no such thing: not found"}');
        const error = await failure(get('/v1/policies/x'));
        expect([error.status, error.message, error.unreachable]).toEqual([404, 'no such thing: not found', false]);
        expect(headersOf(0).get('Authorization')).toBe('Bearer abc');
    });
    it('ends the session on 401 and tells once', async () => {
        const ended = vi.fn();
        const stop = session.onEnd(ended);
        session.begin('abc');
        answerWith(401, '{"message":"credentials not found"}');
        await failure(get('/v1/policies'));
        await failure(get('/v1/policies'));
        expect(ended).toHaveBeenCalledTimes(1);
        expect([session.token(), session.endedBy()]).toEqual([null, 'expiry']);
        stop();
    });
    it('notices that Central is gone and that it is back', async () => {
        vi.stubGlobal('fetch', vi.fn(() => Promise.reject(new TypeError('Failed to fetch'))));
        expect((await failure(get('/v1/ping'))).unreachable).toBe(true);
        expect(connection.state()).toBe('unreachable');
        answerWith(503, 'upstream gone');
        await failure(get('/v1/ping'));
        expect(connection.state()).toBe('unreachable');
        answerWith(200, '{}');
        await get('/v1/ping');
        expect(connection.state()).toBe('recovered');
    });
    it('shows plain text of an error, cut short', async () => {
        answerWith(500, 'x'.repeat(5000));
        expect((await failure(get('/api/x'))).message).toHaveLength(500);
    });
    it('refuses an answer that is not JSON', async () => {
        answerWith(200, '<html>');
        expect((await failure(get('/v1/ping'))).message).toMatch(/not JSON/);
    });
    it('leaves the connection alone when the page has gone elsewhere', async () => {
        const controller = new AbortController();
        vi.stubGlobal('fetch', vi.fn(() => Promise.reject(new DOMException('gone', 'AbortError'))));
        controller.abort();
        await expect(get('/v1/ping', {}, controller.signal)).rejects.toThrow('gone');
        expect(connection.state()).toBe('reachable');
    });
    it('sends a body as JSON', async () => {
        answerWith(200, '{}');
        await request('PATCH', '/v1/policies/a', { body: { disabled: true } });
        expect(headersOf(0).get('Content-Type')).toBe('application/json');
    });
});

describe('errorText', () => {
    it('explains a 403 and else shows the message', () => {
        expect(errorText(new ApiError('denied', 403))).toMatch(/role has the required permissions/);
        expect(errorText(new ApiError('bad query', 400))).toBe('bad query');
        expect(errorText('?')).toMatch(/unknown error/);
    });
});

describe('login', () => {
    it('keeps the token of a right password', async () => {
        await loginWithPassword(PROVIDER, 'admin', 'letmein');
        expect(session.token()).toBe('fake-token');
        const [, init] = vi.mocked(fetch).mock.calls[0] ?? [];
        expect(JSON.parse(init?.body as string)).toEqual({ external_token: 'username=admin&password=letmein', type: 'basic', state: PROVIDER.id });
    });
    it('does not call a wrong password the end of a session', async () => {
        const error = await failure(loginWithPassword(PROVIDER, 'admin', 'no'));
        expect([error.status, session.endedBy()]).not.toContain('expiry');
        expect(session.token()).toBeNull();
    });
    it('forgets the token on logout', () => {
        session.begin('abc');
        session.logout();
        expect([session.token(), session.endedBy()]).toEqual([null, 'logout']);
    });
});

describe('the requested address', () => {
    it.each([
        ['/main/violations?page=2', '/main/violations?page=2'],
        ['https://evil.example/main', '/main/dashboard'],
        ['//evil.example', '/main/dashboard'],
        ['/mainframe', '/main/dashboard'],
    ])('%s leads to %s', (asked, expected) => {
        session.remember(asked);
        expect(session.takeRequested()).toBe(expected);
        expect(session.takeRequested()).toBe('/main/dashboard');
    });
});
