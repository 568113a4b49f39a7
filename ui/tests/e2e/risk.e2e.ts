import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import type { DeploymentAtRisk, DeploymentWithRisk, ProcessBaseline } from '../../src/api/rest';

import type { Visit } from './browser';
import { api, check, heading, logIn, settled, stopBrowser, visit } from './browser';

let now: Visit;
beforeEach(async () => {
    now = await visit();
});
afterEach(() => now.close());
afterAll(stopBrowser);

const ALL = '/main/risk/workloads?filteredWorkflowView=Full%20view';
const SORTED = 'pagination.limit=1000&pagination.sortOption.field=Deployment%20Risk%20Priority&pagination.sortOption.reversed=false';

/** All deployments by risk, once Central has judged them all and found one with abnormal processes. */
async function rows(): Promise<DeploymentAtRisk[]> {
    let found: DeploymentAtRisk[] = [];
    const isOdd = ({ baselineStatuses }: DeploymentAtRisk) => baselineStatuses.some(({ anomalousProcessesExecuted }) => anomalousProcessesExecuted);
    const judged = async () => {
        found = (await api<{ deployments: DeploymentAtRisk[] }>(now.page, `/v1/deploymentswithprocessinfo?${SORTED}`)).body.deployments;
        return found.some(isOdd) && found.every(({ deployment }) => Number(deployment?.priority) > 0);
    };
    await expect.poll(judged, { timeout: 60_000, interval: 500 }).toBe(true);
    return found;
}

it('lists deployments by risk, and marks those with abnormal processes', async () => {
    const { page } = now;
    await logIn(page);
    const all = await rows();
    await page.goto(new URL(ALL, page.url()).href);
    await heading(page, 'All deployments risk');
    await settled(page);
    await page.getByText(`${all.length} results found`).waitFor();
    const first = page.getByRole('grid', { name: 'Deployments by risk' }).getByRole('link').first();
    expect(await first.textContent()).toBe(all[0]?.deployment?.name);
    const odd = all.slice(0, 20).filter(({ baselineStatuses }) => baselineStatuses.some(({ anomalousProcessesExecuted }) => anomalousProcessesExecuted));
    expect(odd.length).toBeGreaterThan(0);
    expect(await page.getByRole('img', { name: 'Abnormal processes discovered', exact: true }).count()).toBe(odd.length);
    await check(now, 'risk');
    await page.getByRole('link', { name: 'Platform', exact: true }).click();
    await heading(page, 'Platform risk');
});

it('shows the factors, the deployment, and what ran in it', async () => {
    const { page } = now;
    await logIn(page, ALL);
    const odd = (await rows()).find(({ baselineStatuses }) => baselineStatuses.some(({ anomalousProcessesExecuted }) => anomalousProcessesExecuted));
    const id = odd?.deployment?.id ?? '';
    const { body } = await api<DeploymentWithRisk>(page, `/v1/deploymentswithrisk/${id}`);
    await page.goto(`${new URL(page.url()).origin}/main/risk/workloads/${id}`);
    await heading(page, odd?.deployment?.name ?? '');
    for (const { name, factors } of body.risk?.results ?? []) {
        await page.getByRole('heading', { level: 2, name }).waitFor();
        await page.getByText(factors[0]?.message ?? '', { exact: true }).first().waitFor();
    }
    expect(body.risk?.results.length).toBeGreaterThan(0);
    await check(now, 'risk-indicators');
    await page.getByRole('tab', { name: 'Deployment details' }).click();
    await page.getByRole('heading', { level: 2, name: 'Deployment overview' }).waitFor();
    await page.getByRole('tab', { name: 'Process discovery' }).click();
    expect(page.url()).toContain('contentTab=Process');
    const mark = page.getByRole('group', { name: 'Events by pod' }).getByRole('button', { name: /UID|event/ }).first();
    await mark.waitFor();
    await page.getByText('Not in the baseline', { exact: true }).first().waitFor();
    await check(now, 'risk-processes');
    await mark.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('heading', { name: /event/i }).waitFor();
    await check(now, 'risk-event');
    await page.keyboard.press('Escape');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export CSV' }).click()]);
    expect(download.suggestedFilename()).toMatch(/^timeline-.*\.csv$/);
});

it('locks a baseline, adds a process to it and takes it out again', async () => {
    const { page } = now;
    await logIn(page, ALL);
    const { deployment } = (await rows())[0] ?? {};
    const { body } = await api<DeploymentWithRisk>(page, `/v1/deploymentswithrisk/${deployment?.id}`);
    const container = body.deployment?.containers[0]?.name ?? '';
    const key = new URLSearchParams({
        'key.deploymentId': deployment?.id ?? '', 'key.containerName': container, 'key.clusterId': deployment?.clusterId ?? '', 'key.namespace': deployment?.namespace ?? '',
    }).toString();
    const baseline = async () => (await api<ProcessBaseline>(page, `/v1/processbaselines/key?${key}`)).body;
    await page.goto(`${new URL(page.url()).origin}/main/risk/workloads/${deployment?.id}?contentTab=Process%20discovery`);
    const card = page.getByRole('region', { name: `Baseline of ${container}` });
    await card.getByRole('button', { name: 'Lock', exact: true }).click();
    await card.getByText('Locked', { exact: true }).waitFor();
    expect((await baseline()).userLockedTimestamp).not.toBeNull();
    await card.getByLabel(`Path of a process for the baseline of ${container}`).fill('/usr/bin/flow');
    await card.getByRole('button', { name: 'Add process' }).click();
    await card.getByText('/usr/bin/flow', { exact: true }).waitFor();
    expect((await baseline()).elements.map(({ element }) => element?.processName)).toContain('/usr/bin/flow');
    await check(now, 'risk-baseline');
    await card.getByRole('button', { name: `Remove /usr/bin/flow from the baseline of ${container}` }).click();
    await card.getByText('/usr/bin/flow', { exact: true }).waitFor({ state: 'detached' });
    await card.getByRole('button', { name: 'Unlock', exact: true }).click();
    await card.getByRole('button', { name: 'Lock', exact: true }).waitFor();
    expect((await baseline()).userLockedTimestamp).toBeNull();
});

it('makes a policy of what the list is filtered by', async () => {
    const { page } = now;
    await logIn(page, `${ALL}&s[Image%20Tag][0]=1`);
    await page.getByRole('button', { name: 'Create policy' }).click();
    await heading(page, 'Create policy');
    await page.getByLabel('Name', { exact: false }).first().fill('Flow: policy of a search');
    await page.getByLabel('Add a category').selectOption({ index: 1 });
    for (const step of ['Lifecycle', 'Rules']) {
        await page.getByRole('button', { name: 'Next', exact: true }).click();
        await page.getByRole('heading', { level: 2, name: step, exact: true }).waitFor();
    }
    expect(await page.getByLabel('Image Tag, value 1 in Section 1').inputValue()).toBe('r/1');
    await check(now, 'wizard-generated');
});
