import { describe, expect, it } from 'vitest';

import { exactly, filterFromUrl, queryValue, restListParams, toQuery, withToggled, withValue, withoutValue } from '@/lib/query';

describe('queryValue', () => {
    it.each([
        ['Policy', 'log4', 'r/log4'],
        ['Policy', '"Latest tag"', '"Latest tag"'],
        ['Image', 'quay.io/a:1', '"quay.io/a:1"'],
        ['Deployment', 'a,b', '"a,b"'],
        ['Deployment', 'a"b', '"ab"'],
        ['Severity', 'HIGH_SEVERITY', 'HIGH_SEVERITY'],
        ['CVSS', '>=7', '>=7'],
    ])('%s of %s becomes %s', (field, value, expected) => {
        expect(queryValue(field, value)).toBe(expected);
    });
});

describe('toQuery', () => {
    it('joins fields with plus and values with commas', () => {
        expect(toQuery({ Severity: ['A', 'B'], Policy: ['x'] })).toBe('Severity:A,B+Policy:r/x');
    });
    it('lets the later filter win over the user', () => {
        expect(toQuery({ 'Platform Component': ['true'] }, { 'Platform Component': ['false'] })).toBe('Platform Component:false');
    });
    it('leaves out fields without values', () => {
        expect(toQuery({ Severity: [] })).toBe('');
    });
    it('keeps a value from breaking out of its term', () => {
        expect(toQuery({ Policy: ['x+Cluster:y'] })).toBe('Policy:"x+Cluster:y"');
    });
});

describe('filterFromUrl', () => {
    it.each([
        [undefined, {}],
        ['text', {}],
        [['list'], {}],
        [{ CVE: 'one' }, { CVE: ['one'] }],
        [{ CVE: ['', 'one'], Policy: [] }, { CVE: ['one'] }],
        [{ CVE: [{ deep: 'x' }] }, {}],
    ])('reads %j', (value, expected) => {
        expect(filterFromUrl(value)).toEqual(expected);
    });
});

describe('changing a filter', () => {
    it('adds a value once', () => {
        const once = withValue({}, 'CVE', 'a');
        expect(withValue(once, 'CVE', 'a')).toBe(once);
    });
    it('drops a field with its last value', () => {
        expect(withoutValue({ CVE: ['a'], Policy: ['p'] }, 'CVE', 'a')).toEqual({ Policy: ['p'] });
    });
    it('toggles back to where it was', () => {
        expect(withToggled(withToggled({}, 'CVE', 'a'), 'CVE', 'a')).toEqual({});
    });
    it('asks exactly for what holds quotes', () => {
        expect(exactly('Policy', 'a "b"')).toEqual({ Policy: ['"a b"'] });
    });
});

describe('restListParams', () => {
    it('uses dot notation', () => {
        expect(restListParams({ query: 'A:b', limit: 50, offset: 100, sortField: 'Violation Time', reversed: true })).toEqual({
            query: 'A:b',
            'pagination.limit': '50',
            'pagination.offset': '100',
            'pagination.sortOption.field': 'Violation Time',
            'pagination.sortOption.reversed': 'true',
        });
    });
    it('sends no empty query', () => {
        expect(restListParams({ query: '', limit: 1, offset: 0 })).not.toHaveProperty('query');
    });
});
