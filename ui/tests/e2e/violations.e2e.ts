import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import type { ListAlert } from '../../src/api/rest';

import type { Visit } from './browser';
import { URL_BASE, api, check, heading, logIn, settled, stopBrowser, visit } from './browser';

let now: Visit;
beforeEach(async () => {
    now = await visit();
});
afterEach(() => now.close());
afterAll(stopBrowser);

const ALL = '/main/violations?filteredWorkflowView=Full%20view';

it('lists what Central lists, and opens a violation', async () => {
    const { page } = now;
    await logIn(page, ALL);
    await heading(page, 'All violations');
    await check(now, 'violations');
    const { body } = await api<{ count: number }>(page, '/v1/alertscount?query=Violation+State:ACTIVE');
    expect(body.count).toBeGreaterThan(0);
    await page.getByText(`${body.count.toLocaleString('en-US')} result${body.count === 1 ? '' : 's'} found`).waitFor();
    const link = page.getByRole('grid', { name: 'Violations' }).getByRole('link').first();
    const policy = (await link.textContent()) ?? '';
    await link.click();
    await heading(page, policy);
    await page.getByText('State: Active').waitFor();
    await check(now, 'violation');
    await page.getByRole('tab', { name: 'Policy' }).click();
    await page.getByRole('heading', { level: 2, name: 'Policy criteria' }).waitFor();
    expect(page.url()).toContain('tab=Policy');
    await check(now, 'violation-policy');
    await page.reload();
    await page.getByRole('heading', { level: 2, name: 'Policy criteria' }).waitFor();
    const deployment = page.getByRole('tab', { name: 'Deployment' });
    if ((await deployment.count()) > 0) {
        await deployment.click();
        await check(now, 'violation-deployment');
    }
});

it('shows the four views and the states', async () => {
    const { page } = now;
    await logIn(page, '/main/violations');
    await heading(page, 'User workload violations');
    await check(now, 'violations-user-workloads');
    const views = page.getByRole('navigation', { name: 'Violation views' });
    for (const [link, title] of [['Platform', 'Platform violations'], ['Nodes', 'Node violations'], ['All Violations', 'All violations']] as const) {
        await views.getByRole('link', { name: link }).click();
        await heading(page, title);
    }
    await page.getByRole('tab', { name: 'Resolved' }).click();
    expect(page.url()).toContain('violationState=RESOLVED');
    await check(now, 'violations-resolved');
});

it('filters by severity in the address, and goes back', async () => {
    const { page } = now;
    await logIn(page, ALL);
    await settled(page);
    await page.getByLabel('Filter attribute').selectOption('Severity');
    await page.getByLabel('Filter by Policy severity').selectOption('Low');
    await page.getByRole('group', { name: 'Applied filters' }).getByText('Low').waitFor();
    expect(page.url()).toContain('s[Severity][0]=LOW_SEVERITY');
    await page.waitForFunction(() => document.querySelector('tbody[aria-busy="true"]') === null);
    const { body } = await api<{ alerts: ListAlert[] }>(page, '/v1/alerts?query=Violation+State:ACTIVE%2BSeverity:LOW_SEVERITY');
    const low = body.alerts.length;
    await page.getByText(`${low.toLocaleString('en-US')} result${low === 1 ? '' : 's'} found`).waitFor();
    await check(now, 'violations-filtered');
    await page.goBack();
    await page.getByRole('group', { name: 'Applied filters' }).waitFor({ state: 'detached' });
});

it('sorts by every column that offers it', async () => {
    const { page, problems } = now;
    await logIn(page, ALL);
    const grid = page.getByRole('grid', { name: 'Violations' });
    for (const title of ['Policy', 'Enforced', 'Severity', 'Categories', 'Lifecycle', 'Time']) {
        await grid.getByRole('button', { name: title, exact: true }).click();
        await page.waitForURL(/sortOption\[field\]/);
        await page.waitForFunction(() => document.querySelector('tbody[aria-busy="true"]') === null);
        expect(await grid.getByRole('link').count(), title).toBeGreaterThan(0);
    }
    expect(problems).toEqual([]);
});

it('says when nothing matches', async () => {
    const { page } = now;
    await logIn(page, `${ALL}&s[Policy][0]=no-such-policy-anywhere`);
    await page.getByText('No results were found with the applied filters.').waitFor();
    await check(now, 'violations-none');
    await page.getByRole('main').getByRole('button', { name: 'Clear filters' }).last().click();
    await page.getByRole('grid', { name: 'Violations' }).getByRole('link').first().waitFor();
});

it('shows the error of the server and keeps the shell', async () => {
    const { page, problems } = now;
    await logIn(page);
    await settled(page);
    await page.route('**/v1/alerts?**', (route) =>
        route.fulfill({ status: 500, contentType: 'application/json', body: '{"code":13,"message":"the disk is full","details":[],"error":"the disk is full"}' })
    );
    await page.goto(URL_BASE + ALL);
    await page.getByText('the disk is full').first().waitFor();
    await page.getByRole('navigation', { name: 'Main navigation' }).waitFor();
    problems.length = 0;
    await check(now, 'violations-error');
});
