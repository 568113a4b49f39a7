import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import contract from '../../src/api/contract.json';
import type { CveRow, ImageRow, Page as Rows } from '../../src/api/ui';
import { errorsOf } from '../unit/dev/schema';

import type { Visit } from './browser';
import { api, heading, logIn, shot, stopBrowser, visit } from './browser';

let now: Visit;
beforeEach(async () => {
    now = await visit();
    await logIn(now.page);
});
afterEach(() => now.close());
afterAll(stopBrowser);

async function addresses(): Promise<Record<string, string>> {
    const cves = (await api<Rows<CveRow>>(now.page, '/api/ui/vulnerabilities/cves?limit=1')).body.items;
    const images = (await api<Rows<ImageRow>>(now.page, '/api/ui/vulnerabilities/images?limit=1')).body.items;
    return { '{cve}': encodeURIComponent(cves[0]?.cve ?? ''), '{id}': encodeURIComponent(images[0]?.id ?? '') };
}

it('is kept by every private answer of Central', async () => {
    await heading(now.page, 'Dashboard');
    const examples = await addresses();
    for (const { path, response, sort = [] } of contract.endpoints) {
        const address = Object.entries(examples).reduce((text, [name, value]) => text.replace(name, value), path);
        const { status, body } = await api<unknown>(now.page, address);
        expect([path, status]).toEqual([path, 200]);
        expect(errorsOf(body, response), path).toEqual([]);
        for (const key of sort) {
            const sorted = await api<{ total: number }>(now.page, `${address}?sort=-${key}&limit=5`);
            expect([path, key, sorted.status, sorted.body.total]).toEqual([path, key, 200, (body as { total: number }).total]);
        }
    }
    await shot(now.page, 'contract');
});
