import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import type { Dashboard } from '../../src/api/ui';

import type { Visit } from './browser';
import { USER, api, check, heading, logIn, seriousFindings, settled, shot, stopBrowser, visit } from './browser';

let now: Visit;
beforeEach(async () => {
    now = await visit();
    await logIn(now.page);
});
afterEach(() => now.close());
afterAll(stopBrowser);

it('counts what Central counts and links to it', async () => {
    const { page } = now;
    await heading(page, 'Dashboard');
    await check(now, 'dashboard');
    const { body } = await api<Dashboard>(page, '/api/ui/dashboard');
    const main = page.getByRole('main');
    for (const [name, count] of [['Clusters', body.counts.clusters], ['Deployments', body.counts.deployments], ['Images', body.counts.images]] as const) {
        await main.getByRole('link', { name: `${(count ?? 0).toLocaleString('en-US')} ${name}`, exact: true }).waitFor();
    }
    for (const widget of ['Policy violations by severity', 'Policy violations by category', 'Images at most risk', 'Deployments at most risk', 'Aging images']) {
        await page.getByRole('heading', { level: 2, name: widget }).waitFor();
    }
    await page.getByRole('link', { name: 'View all: Policy violations by severity' }).click();
    await heading(page, 'All violations');
});

it('shows the version and the notices in the About box', async () => {
    const { page } = now;
    await page.getByRole('button', { name: 'Help menu' }).click();
    await page.getByRole('menuitem', { name: 'About' }).click();
    const box = page.getByRole('dialog', { name: 'About PyRox' });
    const { body } = await api<{ version: string }>(page, '/v1/metadata');
    await box.getByText(body.version, { exact: true }).waitFor();
    await box.getByText('not endorsed or certified by the NVD').waitFor();
    await box.getByText('OSV').first().waitFor();
    await shot(page, 'about');
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await box.waitFor({ state: 'hidden' });
});

it('has accessible menus', async () => {
    const { page } = now;
    await settled(page);
    for (const name of ['Help menu', USER]) {
        await page.getByRole('button', { name }).click();
        await page.getByRole('menu').waitFor();
        await shot(page, `menu-${name.toLowerCase().replace(' ', '-')}`);
        expect(await seriousFindings(page), name).toEqual([]);
        await page.keyboard.press('Escape');
        await page.getByRole('menu').waitFor({ state: 'hidden' });
    }
});

it('keeps the dark theme over a reload', async () => {
    const { page } = now;
    const dark = () => page.evaluate(() => document.documentElement.classList.contains('pf-v6-theme-dark'));
    expect(await dark()).toBe(false);
    await page.getByRole('button', { name: 'Toggle theme' }).click();
    expect(await dark()).toBe(true);
    await page.reload();
    await heading(page, 'Dashboard');
    await settled(page);
    expect(await dark()).toBe(true);
    await check(now, 'dashboard-dark');
});

it('reaches the main content by keyboard alone', async () => {
    const { page } = now;
    await settled(page);
    await page.keyboard.press('Tab');
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
    expect(await focused()).toBe('Skip to content');
    await page.keyboard.press('Enter');
    for (let step = 0; step < 3; step += 1) {
        await page.keyboard.press('Tab');
    }
    expect(await page.evaluate(() => document.activeElement?.closest('main') !== null)).toBe(true);
});

it('says that a page does not exist', async () => {
    const { page } = now;
    await page.goto(`${new URL(page.url()).origin}/main/no-such-page`);
    await heading(page, 'Cannot find the page');
    await check(now, 'page-not-found');
});
