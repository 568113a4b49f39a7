import { describe, expect, it } from 'vitest';

import { parseUrlSearch, stringifyUrlSearch } from '@/lib/urlSearch';

describe('parseUrlSearch', () => {
    it('reads nested keys and lists in upstream form', () => {
        expect(parseUrlSearch('?s[Severity][0]=HIGH_SEVERITY&s[Severity][1]=LOW_SEVERITY&sortOption[field]=Policy&page=2')).toEqual({
            s: { Severity: ['HIGH_SEVERITY', 'LOW_SEVERITY'] },
            sortOption: { field: 'Policy' },
            page: '2',
        });
    });
    it('reads encoded brackets, spaces and values', () => {
        expect(parseUrlSearch('s%5BPolicy%20Name%5D%5B0%5D=a%26b+c')).toEqual({ s: { 'Policy Name': ['a&b c'] } });
    });
    it('keeps keys like __proto__ as plain data', () => {
        const parsed = parseUrlSearch('__proto__[polluted]=yes&s[__proto__][0]=x');
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
        expect(Object.keys(parsed)).toContain('s');
    });
    it('survives malformed percent signs', () => {
        expect(parseUrlSearch('a=%E0%A4%A')).toEqual({ a: '%E0%A4%A' });
    });
    it('reads at most 500 pairs', () => {
        const text = Array.from({ length: 600 }, (_item, index) => `k${index}=1`).join('&');
        expect(Object.keys(parseUrlSearch(text))).toHaveLength(500);
    });
    it('takes empty brackets as the next index', () => {
        expect(parseUrlSearch('s[A][]=x&s[A][]=y')).toEqual({ s: { A: ['x', 'y'] } });
    });
});

describe('stringifyUrlSearch', () => {
    it.each([
        [{}, ''],
        [{ page: undefined, tab: 'Policy' }, '?tab=Policy'],
        [{ s: { CVE: ['"CVE-2021-44228"'] } }, '?s[CVE][0]=%22CVE-2021-44228%22'],
        [{ s: { 'Image OS': ['a&b=c'] } }, '?s[Image%20OS][0]=a%26b%3Dc'],
    ])('writes %j', (search, expected) => {
        expect(stringifyUrlSearch(search)).toBe(expected);
    });
    it('is read back as it was', () => {
        const search = { s: { 'Policy Name': ['a+b', 'ü%'], CVE: ['x'] }, sortOption: { field: 'f', direction: 'desc' } };
        expect(parseUrlSearch(stringifyUrlSearch(search))).toEqual(search);
    });
});
