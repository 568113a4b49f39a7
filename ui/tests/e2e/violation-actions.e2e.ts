import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import type { Alert, AlertExplanation, ListAlert, Policy } from '../../src/api/rest';

import type { Visit } from './browser';
import { api, check, heading, logIn, settled, stopBrowser, visit } from './browser';

let now: Visit;
beforeEach(async () => {
    now = await visit();
});
afterEach(() => now.close());
afterAll(stopBrowser);

const ALL = '/main/violations?filteredWorkflowView=Full%20view';
const listed = async (query: string) => (await api<{ alerts: ListAlert[] }>(now.page, `/v1/alerts?query=${encodeURIComponent(query)}`)).body.alerts;
const stateOf = async (id: string) => (await api<Alert>(now.page, `/v1/alerts/${id}`)).body.state;

it('explains which criterion met which value on which object', async () => {
    const { page } = now;
    await logIn(page, ALL);
    const explained = await withCauses(await listed('Violation State:ACTIVE'));
    const cause = explained.violations.find(({ reproduced }) => reproduced)?.causes[0];
    const finding = cause?.criteria[0]?.findings.find(({ linked, matched }) => linked && matched);
    await page.goto(`${new URL(page.url()).origin}/main/violations/${explained.alertId}`);
    await heading(page, explained.policyName);
    await page.getByRole('button', { name: 'Why?' }).first().click();
    await page.getByText(finding?.path ?? '', { exact: true }).first().waitFor();
    await check(now, 'violation-why');
    await page.getByRole('tab', { name: 'Explanation' }).click();
    await page.getByText('The policy is still violated').waitFor();
    const [evaluation] = explained.evaluations;
    const tree = page.getByRole('region', { name: /^Explanation for/ }).first();
    expect(await tree.getByText(finding?.path ?? '', { exact: true }).count()).toBeGreaterThan(0);
    expect(await tree.getByRole('img', { name: 'Matched', exact: true }).count()).toBeGreaterThan(1);
    for (const { criterion } of evaluation?.sections[0]?.criteria ?? []) {
        await tree.getByText(new RegExp(`^(Not )?${criterion}: `)).first().waitFor();
    }
    await check(now, 'violation-explanation');
    expect(page.url()).toContain('tab=Explanation');
});

/** The explanation of the first alert of which one is known. */
async function withCauses(alerts: ListAlert[]): Promise<AlertExplanation> {
    for (const { id } of alerts) {
        const { status, body } = await api<AlertExplanation>(now.page, `/api/alerts/${id}/explanation`);
        if (status === 200 && body.violations.some(({ reproduced }) => reproduced)) {
            return body;
        }
    }
    throw new Error('no violation has an explanation');
}

it('resolves the runtime violations among the chosen ones', async () => {
    const { page } = now;
    await logIn(page, `${ALL}&s[Lifecycle%20Stage][0]=RUNTIME`);
    const running = await listed('Violation State:ACTIVE+Lifecycle Stage:RUNTIME');
    expect(running.length).toBeGreaterThan(1);
    await settled(page);
    await page.getByRole('grid', { name: 'Violations' }).getByRole('link').first().waitFor();
    const rows = page.getByRole('grid', { name: 'Violations' }).getByRole('checkbox');
    await rows.nth(1).check();
    await rows.nth(2).check();
    await page.getByRole('button', { name: 'Row actions' }).click();
    await page.getByRole('menuitem', { name: 'Mark as resolved (2)' }).waitFor();
    await check(now, 'violations-actions');
    await page.getByRole('menuitem', { name: 'Mark as resolved (2)' }).click();
    await page.getByText('2 violations resolved').first().waitFor();
    const after = await listed('Violation State:ACTIVE+Lifecycle Stage:RUNTIME');
    expect(after).toHaveLength(running.length - 2);
    const gone = running.find(({ id }) => !after.some((alert) => alert.id === id));
    expect(await stateOf(gone?.id ?? '')).toBe('RESOLVED');
});

it('excludes a deployment from the policy that it violates', async () => {
    const { page } = now;
    await logIn(page, `${ALL}&s[Lifecycle%20Stage][0]=DEPLOY`);
    const grid = page.getByRole('grid', { name: 'Violations' });
    await grid.getByRole('link').first().waitFor();
    const href = (await grid.getByRole('link').first().getAttribute('href')) ?? '';
    const { body: alert } = await api<Alert>(page, `/v1/alerts/${href.slice(href.lastIndexOf('/') + 1)}`);
    const policyId = alert.policy?.id ?? '';
    const before = (await api<Policy>(page, `/v1/policies/${policyId}`)).body;
    try {
        await grid.getByRole('button', { name: /^Actions of/ }).first().click();
        await page.getByRole('menuitem', { name: 'Exclude deployment from policy' }).click();
        await check(now, 'violations-exclude');
        await page.getByRole('dialog').getByRole('button', { name: 'Exclude' }).click();
        await page.getByText('1 exclusion added').first().waitFor();
        const { exclusions } = (await api<Policy>(page, `/v1/policies/${policyId}`)).body;
        expect(exclusions).toHaveLength(before.exclusions.length + 1);
        expect(exclusions.at(-1)?.deployment).toMatchObject({ name: alert.deployment?.name, scope: { namespace: alert.namespace } });
    } finally {
        await api(page, `/v1/policies/${policyId}`, { method: 'PUT', body: before });
    }
});
