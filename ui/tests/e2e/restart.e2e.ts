// Central is killed and started by whoever runs this flow; the two talk through files in PORTAL_SIGNALS.
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import type { Visit } from './browser';
import { URL_BASE, check, heading, logIn, settled, stopBrowser, visit } from './browser';

const SIGNALS = process.env['PORTAL_SIGNALS'] ?? '';
const signal = (name: string) => writeFileSync(path.join(SIGNALS, name), '');

let now: Visit;
beforeEach(async () => {
    now = await visit();
});
afterEach(() => now.close());
afterAll(stopBrowser);

it.skipIf(SIGNALS === '')('shows the same page again, and still logged in, after Central was killed', async () => {
    const { page, problems } = now;
    await logIn(page, '/main/violations?filteredWorkflowView=Full%20view');
    await heading(page, 'All violations');
    await settled(page);
    const found = await page.getByText(/^[\d,]+ results? found$/).textContent();
    signal('kill');
    await page.getByText('Central cannot be reached').waitFor();
    expect(await page.getByText(found ?? '').isVisible()).toBe(true);
    signal('start');
    await expect.poll(() => existsSync(path.join(SIGNALS, 'started')), { timeout: 60_000 }).toBe(true);
    await page.getByText('Central is reachable again').waitFor();
    await page.getByText(found ?? '').waitFor();
    expect(page.url()).toBe(`${URL_BASE}/main/violations?filteredWorkflowView=Full%20view`);
    // What Chromium noted while nobody answered.
    expect(problems.filter((problem) => !problem.includes('net::ERR_'))).toEqual([]);
    problems.length = 0;
    await check(now, 'restarted');
});
