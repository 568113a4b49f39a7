import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import type { Visit } from './browser';
import { check, heading, logIn, settled, shot, stopBrowser, visit } from './browser';

let now: Visit;
beforeEach(async () => {
    now = await visit();
    await logIn(now.page, '/main/clusters');
    await heading(now.page, 'Clusters');
    await settled(now.page);
});
afterEach(() => now.close());
afterAll(stopBrowser);

const CALLS = /\/(v1|v2|api|sso)\//;

it('says that Central is gone, keeps what it shows, and recovers by itself', async () => {
    const { page, problems } = now;
    const row = page.getByRole('grid', { name: 'Clusters' }).getByRole('link').first();
    await page.route(CALLS, (route) => route.abort('connectionrefused'));
    await page.getByText('Central cannot be reached').waitFor();
    expect(await row.isVisible()).toBe(true);
    await shot(page, 'central-gone');
    await page.unroute(CALLS);
    await page.getByText('Central is reachable again').waitFor();
    problems.length = 0;
    await check(now, 'central-back');
});

it('opens a page that was asked for while Central was starting', async () => {
    const { page, problems } = now;
    await page.route(CALLS, (route) => route.fulfill({ status: 503, body: 'starting' }));
    await page.reload();
    await page.getByText('Central cannot be reached').waitFor();
    await page.unroute(CALLS);
    await heading(page, 'Clusters');
    await page.getByRole('grid', { name: 'Clusters' }).getByRole('link').first().waitFor();
    problems.length = 0;
    await check(now, 'central-started');
});
