import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import type { Cluster } from '../../src/api/rest';

import type { Visit } from './browser';
import { api, check, heading, logIn, settled, stopBrowser, visit } from './browser';

let now: Visit;
beforeEach(async () => {
    now = await visit();
    await logIn(now.page, '/main/clusters');
});
afterEach(() => now.close());
afterAll(stopBrowser);

it('lists the clusters with their health, and opens one', async () => {
    const { page } = now;
    await heading(page, 'Clusters');
    await settled(page);
    const { clusters } = (await api<{ clusters: Cluster[] }>(page, '/v1/clusters')).body;
    expect(clusters.length).toBeGreaterThan(0);
    const { name = '', id = '' } = clusters[0] ?? {};
    await check(now, 'clusters');
    await page.getByRole('grid', { name: 'Clusters' }).getByRole('link', { name, exact: true }).click();
    await heading(page, name);
    await page.getByText(id, { exact: true }).waitFor();
    for (const part of ['Sensor', 'Collector', 'Admission control', 'Scanner']) {
        await page.getByRole('heading', { level: 2, name: part, exact: true }).waitFor();
    }
    await check(now, 'cluster');
});

it('says when a cluster does not exist', async () => {
    const { page, problems } = now;
    await page.goto(`${new URL(page.url()).origin}/main/clusters/00000000-0000-4000-8000-000000000000`);
    await page.getByRole('heading', { level: 1 }).or(page.getByText('An error has occurred')).first().waitFor();
    await page.getByRole('navigation', { name: 'Main navigation' }).waitFor();
    problems.length = 0;
});
