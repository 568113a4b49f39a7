import { afterAll, expect, it } from 'vitest';

import type { Visit } from './browser';
import { URL_BASE, check, heading, logIn, stopBrowser, visit } from './browser';

afterAll(stopBrowser);

const PAGES: readonly [name: string, path: string, title: string][] = [
    ['violations', '/main/violations?filteredWorkflowView=Full%20view', 'All violations'],
    ['vulnerabilities', '/main/vulnerabilities/all-images?entityTab=CVE', 'All vulnerable images'],
    ['policies', '/main/policy-management/policies', 'Policy management'],
    ['clusters', '/main/clusters', 'Clusters'],
];

it('is accessible in the dark theme, which follows the system', async () => {
    const now: Visit = await visit('dark');
    try {
        await logIn(now.page);
        expect(await now.page.evaluate(() => document.documentElement.classList.contains('pf-v6-theme-dark'))).toBe(true);
        for (const [name, path, title] of PAGES) {
            await now.page.goto(URL_BASE + path);
            await heading(now.page, title);
            await check(now, `${name}-dark`);
        }
    } finally {
        await now.close();
    }
});
