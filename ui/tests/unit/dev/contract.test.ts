import { describe, expect, it } from 'vitest';

import { reply } from '../../../dev/fake-central';
import contract from '../../../src/api/contract.json';

import { errorsOf } from './schema';

const get = (path: string) => reply('GET', path, 'Bearer fake-token', '');

function example(path: string): string {
    if (path.includes('{cve}')) {
        const { items } = get('/api/ui/vulnerabilities/cves?limit=1').body as { items: { cve: string }[] };
        return path.replace('{cve}', items[0]?.cve ?? '');
    }
    const { items } = get('/api/ui/vulnerabilities/images?limit=1').body as { items: { id: string }[] };
    return path.replace('{id}', encodeURIComponent(items[0]?.id ?? ''));
}

describe('the development data', () => {
    it.each(contract.endpoints.map(({ path, response }) => [path, response]))('answers %s as the contract says', (path, response) => {
        const answer = get(example(path));
        expect(answer.status).toBe(200);
        expect(errorsOf(answer.body, response)).toEqual([]);
    });
    it.each(contract.endpoints.flatMap(({ path, sort }) => (sort ?? []).map((key) => [path, key])))('sorts %s by %s both ways', (path, key) => {
        const ids = (prefix: string) => {
            const { items } = get(`${example(path)}?limit=1000&sort=${prefix}${key}`).body as { items: Record<string, unknown>[] };
            return items.map((item) => item['id'] ?? item['cve']);
        };
        expect(new Set(ids('-'))).toEqual(new Set(ids('')));
    });
    it('counts what the lists hold', () => {
        const query = 'query=Severity:CRITICAL_VULNERABILITY_SEVERITY%2BFixable:true';
        const counts = get(`/api/ui/vulnerabilities/counts?${query}`).body as { cves: number; images: number };
        const cves = get(`/api/ui/vulnerabilities/cves?${query}`).body as { total: number };
        expect(cves.total).toBe(counts.cves);
        expect(counts.cves).toBeGreaterThan(0);
    });
    it('refuses whoever has no token', () => {
        expect(reply('GET', '/api/ui/dashboard', undefined, '').status).toBe(401);
    });
});

describe('errorsOf', () => {
    it('finds wrong types, missing and unknown fields', () => {
        expect(errorsOf({ cves: 'x', images: 1, more: 1 }, 'EntityCounts')).toEqual([
            '$.deployments: is missing',
            '$.cves: is string, wanted integer',
            '$.more: is not in the contract',
        ]);
    });
});
