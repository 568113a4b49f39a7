import { readFileSync } from 'node:fs';

import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import type { ListPolicy, Policy } from '../../src/api/rest';

import type { Visit } from './browser';
import { api, check, heading, logIn, settled, stopBrowser, visit } from './browser';

const NAMES = ['Flow: first of two', 'Flow: second of two'];
const RENAMED = 'Flow: first of two (imported)';

let now: Visit;
beforeEach(async () => {
    now = await visit();
    await logIn(now.page, '/main/policy-management/policies?s[Policy][0]=Flow:');
    await remove();
    for (const name of NAMES) {
        await api(now.page, '/v1/policies', { method: 'POST', body: { ...MADE, name } });
    }
    await now.page.reload();
});
afterEach(async () => {
    await remove();
    await now.close();
});
afterAll(stopBrowser);

const MADE = {
    severity: 'LOW_SEVERITY', categories: ['Security Best Practices'], lifecycleStages: ['DEPLOY'], policyVersion: '1.1',
    policySections: [{ sectionName: 'Rule 1', policyGroups: [{ fieldName: 'Host PID', values: [{ value: 'true' }] }] }],
    exclusions: [], scope: [], enforcementActions: [], notifiers: [], mitreAttackVectors: [], eventSource: 'NOT_APPLICABLE', disabled: false, description: '', rationale: '', remediation: '',
};

const all = async () => (await api<{ policies: ListPolicy[] }>(now.page, '/v1/policies')).body.policies.filter(({ name }) => name.startsWith('Flow:'));
async function remove(): Promise<void> {
    for (const { id } of await all()) {
        await api(now.page, `/v1/policies/${id}`, { method: 'DELETE' });
    }
}

async function bulk(action: RegExp): Promise<void> {
    await now.page.getByRole('button', { name: 'Bulk actions' }).click();
    await now.page.getByRole('menuitem', { name: action }).click();
}
const chooseAll = () => now.page.getByRole('checkbox', { name: 'Select all rows' }).check();

it('does things with several policies at once, and imports what it exported', async () => {
    const { page } = now;
    await page.getByText('2 results found').waitFor();
    await chooseAll();
    await bulk(/^Disable \(2\)/);
    await page.getByText('2 policies disabled').first().waitFor();
    expect((await all()).map(({ disabled }) => disabled)).toEqual([true, true]);
    await chooseAll();
    await page.getByRole('button', { name: 'Bulk actions' }).click();
    await page.getByRole('menuitem', { name: 'Enable (2)' }).waitFor();
    await check(now, 'policies-bulk');
    await page.getByRole('menuitem', { name: 'Enable (2)' }).click();
    await page.getByText('2 policies enabled').first().waitFor();

    await chooseAll();
    const [download] = await Promise.all([page.waitForEvent('download'), bulk(/^Export policies \(2\)/)]);
    expect(download.suggestedFilename()).toBe('policies.json');
    const buffer = readFileSync(await download.path());
    const exported = JSON.parse(buffer.toString()) as { policies: Policy[] };
    expect(exported.policies.map(({ name }) => name).sort()).toEqual(NAMES);

    await bulk(/^Delete policies \(2\)/);
    await check(now, 'policies-delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('2 policies deleted').first().waitFor();
    expect(await all()).toEqual([]);

    await importFile(buffer);
    await page.getByText('2 policies imported').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
    await page.getByText('2 results found').waitFor();
    const again = (await all()).map(({ id, name }) => [id, name]).sort();
    expect(again).toEqual(exported.policies.map(({ id, name }) => [id, name]).sort());
});

async function importFile(buffer: Buffer): Promise<void> {
    const { page } = now;
    await page.getByRole('button', { name: 'Import policy' }).click();
    await page.getByRole('dialog').locator('input[type="file"]').setInputFiles({ name: 'policies.json', mimeType: 'application/json', buffer });
    await page.getByRole('dialog').getByRole('button', { name: 'Begin import' }).click();
}

it('asks what to do where a policy of the same ID or name exists', async () => {
    const { page } = now;
    await page.getByText('2 results found').waitFor();
    const listed = (await all()).sort((a, b) => a.name.localeCompare(b.name));
    const { body } = await api<{ policies: Policy[] }>(page, '/v1/policies/export', { method: 'POST', body: { policyIds: listed.map(({ id }) => id) } });
    const changed = body.policies.map((policy) => ({ ...policy, description: 'As it was imported' }));
    await importFile(Buffer.from(JSON.stringify({ policies: changed })));
    await page.getByText('2 policies like these exist.', { exact: false }).waitFor();
    const dialog = page.getByRole('dialog');
    // The first is kept under a new name, the second overwrites.
    await dialog.getByLabel(`New name of ${NAMES[0]}`).fill(NAMES[0] ?? '');
    await dialog.getByText('A policy of this name exists').waitFor();
    expect(await dialog.getByRole('button', { name: 'Resume import' }).isDisabled()).toBe(true);
    await dialog.getByLabel(`New name of ${NAMES[0]}`).fill(RENAMED);
    await dialog.getByRole('radiogroup', { name: NAMES[1] }).getByRole('radio', { name: 'Overwrite the existing policy' }).check();
    await check(now, 'policies-clash');
    await dialog.getByRole('button', { name: 'Resume import' }).click();
    await page.getByText('2 policies imported').waitFor();
    await check(now, 'policies-imported');
    const after = await all();
    expect(after.map(({ name }) => name).sort()).toEqual([...NAMES, RENAMED].sort());
    expect(after.find(({ name }) => name === NAMES[0])?.description).toBe('');
    expect(after.find(({ name }) => name === NAMES[1])?.description).toBe('As it was imported');
});

it('says what is wrong with a file, and keeps system policies', async () => {
    const { page } = now;
    const system = (await api<{ policies: ListPolicy[] }>(page, '/v1/policies')).body.policies.find(({ isDefault }) => isDefault);
    await page.getByRole('button', { name: 'Import policy' }).click();
    const input = page.getByRole('dialog').locator('input[type="file"]');
    await input.setInputFiles({ name: 'a.json', mimeType: 'application/json', buffer: Buffer.from('{"policies": 1}') });
    await page.getByText('The file holds no policies', { exact: false }).waitFor();
    const { body } = await api<Policy>(page, `/v1/policies/${system?.id}`);
    await input.setInputFiles({ name: 'b.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify({ policies: [body] })) });
    await page.getByRole('dialog').getByRole('button', { name: 'Begin import' }).click();
    await page.getByText('already used by the system policy', { exact: false }).waitFor();
    expect(await page.getByRole('radio', { name: 'Overwrite the existing policy' }).count()).toBe(0);
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).first().click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
});

it('lists, makes, renames and removes categories', async () => {
    const { page } = now;
    await page.getByRole('tab', { name: 'Policy categories' }).click();
    await page.getByRole('grid', { name: 'Policy categories' }).getByText('System').first().waitFor();
    await heading(page, 'Policy management');
    await page.getByRole('button', { name: 'Create category' }).click();
    await page.getByLabel('Category name').fill('Flow category');
    await page.getByRole('dialog').getByRole('button', { name: 'Create category' }).click();
    await page.getByText('Category "Flow category" created').first().waitFor();
    await check(now, 'categories');
    await page.getByRole('button', { name: 'Actions of Flow category' }).click();
    await page.getByRole('menuitem', { name: 'Delete category' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Category "Flow category" deleted').first().waitFor();
    await settled(page);
    expect(await page.getByRole('cell', { name: 'Flow category' }).count()).toBe(0);
});
