import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import type { CveRow, EntityCounts, Page as Rows } from '../../src/api/ui';

import type { Visit } from './browser';
import { api, check, heading, logIn, settled, stopBrowser, visit } from './browser';

let now: Visit;
beforeEach(async () => {
    now = await visit();
});
afterEach(() => now.close());
afterAll(stopBrowser);

const ALL = '/main/vulnerabilities/all-images?entityTab=';

it('starts with severe, fixable findings and can be widened', async () => {
    const { page } = now;
    await logIn(page, '/main/vulnerabilities');
    await heading(page, 'User workload vulnerabilities');
    const chips = page.getByRole('group', { name: 'Applied filters' });
    for (const text of ['Critical', 'Important', 'Fixable']) {
        await chips.getByText(text, { exact: true }).waitFor();
    }
    await check(now, 'vulnerabilities-default-filter');
    await chips.getByRole('button', { name: 'Clear filters' }).click();
    await chips.waitFor({ state: 'detached' });
    const { body } = await api<EntityCounts>(page, '/api/ui/vulnerabilities/counts?query=Platform+Component:false');
    await page.getByRole('button', { name: `${body.cves.toLocaleString('en-US')} CVE` }).waitFor();
    await check(now, 'vulnerabilities-cves');
});

it('goes from a CVE to the image and the component that has it', async () => {
    const { page } = now;
    await logIn(page, `${ALL}CVE`);
    await heading(page, 'All vulnerable images');
    await settled(page);
    const { body } = await api<Rows<CveRow>>(page, '/api/ui/vulnerabilities/cves?limit=1');
    const first = body.items[0];
    expect(first).toBeDefined();
    await page.getByRole('grid', { name: 'CVEs' }).getByRole('link', { name: first?.cve ?? '' }).click();
    await heading(page, first?.cve ?? '');
    await page.getByText(`${first?.imageCount} image`).first().waitFor();
    await page.getByRole('grid', { name: 'Affected images' }).getByRole('button', { name: 'Details' }).first().click();
    await page.getByRole('grid', { name: 'Affected components' }).waitFor();
    await check(now, 'cve');
    await page.getByRole('button', { name: /^[\d,]+ Deployments?$/ }).click();
    await page.getByRole('grid', { name: 'Deployments' }).waitFor();
    await check(now, 'cve-deployments');
    await page.getByRole('button', { name: /^[\d,]+ Images?$/ }).click();
    await page.getByRole('grid', { name: 'Affected images' }).getByRole('link').first().click();
    await page.getByRole('grid', { name: 'CVEs of the image' }).waitFor();
    await check(now, 'image');
    await page.getByRole('tab', { name: 'Resources' }).click();
    await page.getByRole('grid', { name: 'Deployments' }).waitFor();
    await check(now, 'image-deployments');
});

it('shows images and deployments as well', async () => {
    const { page } = now;
    await logIn(page, `${ALL}Image`);
    await page.getByRole('grid', { name: 'Images' }).getByRole('link').first().waitFor();
    await check(now, 'vulnerabilities-images');
    await page.getByRole('button', { name: /^[\d,]+ Deployments?$/ }).click();
    const link = page.getByRole('grid', { name: 'Deployments' }).getByRole('link').first();
    await link.waitFor();
    await check(now, 'vulnerabilities-deployments');
    const name = (await link.textContent()) ?? '';
    await link.click();
    await heading(page, name);
    await check(now, 'deployment');
    for (const tab of ['Details', 'Resources']) {
        await page.getByRole('tab', { name: tab }).click();
        await check(now, `deployment-${tab.toLowerCase()}`);
    }
});

it('sorts on the server, in the address', async () => {
    const { page } = now;
    await logIn(page, `${ALL}CVE`);
    await settled(page);
    await page.getByRole('button', { name: 'Top CVSS' }).click();
    await page.waitForURL(/sortOption\[field\]=topCvss&sortOption\[direction\]=desc/);
    const { body } = await api<Rows<CveRow>>(page, '/api/ui/vulnerabilities/cves?limit=20&sort=-topCvss');
    await page.getByRole('grid', { name: 'CVEs' }).getByRole('link').first().filter({ hasText: body.items[0]?.cve }).waitFor();
});
