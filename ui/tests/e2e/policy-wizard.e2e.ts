import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import type { Policy } from '../../src/api/rest';

import type { Visit } from './browser';
import { api, check, heading, logIn, stopBrowser, visit } from './browser';

const NAME = 'Flow: privileged or tagged latest';
const LIST = '/main/policy-management/policies';

let now: Visit;
beforeEach(async () => {
    now = await visit();
});
afterEach(async () => {
    await removeMade();
    await now.close();
});
afterAll(stopBrowser);

async function made(name: string): Promise<Policy | undefined> {
    const { body } = await api<{ policies: Policy[] }>(now.page, '/v1/policies');
    const id = body.policies.find((policy) => policy.name === name)?.id;
    return id === undefined ? undefined : (await api<Policy>(now.page, `/v1/policies/${id}`)).body;
}
async function removeMade(): Promise<void> {
    for (const name of [NAME, `${NAME} (COPY)`]) {
        const policy = await made(name);
        if (policy !== undefined) {
            await api(now.page, `/v1/policies/${policy.id}`, { method: 'DELETE' });
        }
    }
}

const next = () => now.page.getByRole('button', { name: 'Next', exact: true }).click();
const step = (name: string) => now.page.getByRole('heading', { level: 2, name, exact: true }).waitFor();

it('makes a policy by drag and by keyboard, previews it, saves, clones and edits it', async () => {
    const { page } = now;
    await logIn(page, LIST);
    await page.getByRole('button', { name: 'Create policy' }).click();
    await heading(page, 'Create policy');
    await step('Details');
    expect(await page.getByRole('button', { name: 'Next', exact: true }).isDisabled()).toBe(true);
    await page.getByLabel('Name', { exact: false }).first().fill(NAME);
    await page.getByRole('radio', { name: 'High' }).check();
    await page.getByLabel('Add a category').selectOption({ index: 1 });
    await page.getByLabel('Description').fill('Containers that nobody should run.');
    const { status } = await api(page, '/v1/mitreattackvectors');
    if (status === 200) {
        await page.getByLabel('Add tactic').selectOption({ index: 1 });
        await page.getByLabel(/^Add technique to/).selectOption({ index: 1 });
    }
    await check(now, 'wizard-details');
    await next();

    await step('Lifecycle');
    expect(await page.getByRole('button', { name: 'Next', exact: true }).isDisabled()).toBe(true);
    await page.getByRole('radio', { name: 'Deploy', exact: true }).check();
    await check(now, 'wizard-lifecycle');
    await next();

    await step('Rules');
    // By keyboard: search, then the button of the criterion.
    await page.getByRole('textbox', { name: 'Search criteria' }).fill('privileged');
    await page.getByRole('button', { name: 'Add Privileged Container' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Privileged Container added to Rule 1').waitFor();
    await page.getByRole('button', { name: 'Add section' }).click();
    await page.getByRole('textbox', { name: 'Search criteria' }).fill('image tag');
    // By dragging into the second section.
    await page.getByRole('listitem').filter({ hasText: 'Image Tag' }).dragTo(page.getByRole('group', { name: 'Section Rule 2' }));
    const tag = page.getByRole('group', { name: 'Image Tag in Rule 2' });
    await tag.waitFor();
    await page.getByLabel('Image Tag, value 1 in Rule 2').fill('latest');
    await page.getByRole('button', { name: 'Add value to Image Tag in Rule 2' }).click();
    await page.getByLabel('Image Tag, value 2 in Rule 2').fill('edge');
    await tag.getByRole('button', { name: 'AND' }).click();
    await page.getByRole('checkbox', { name: 'Not Image Tag in Rule 2' }).check();
    await check(now, 'wizard-rules');
    await next();

    await step('Resources');
    await page.getByRole('button', { name: 'Add included resource' }).click();
    await page.getByLabel('Namespace of included resource 1', { exact: true }).fill('shop|payments');
    await page.getByRole('button', { name: 'Add excluded resource' }).click();
    expect(await page.getByRole('button', { name: 'Next', exact: true }).isDisabled()).toBe(true);
    await page.getByLabel('Deployment', { exact: true }).fill('debug-.*');
    await check(now, 'wizard-resources');
    await next();

    await step('Actions');
    await page.getByRole('radio', { name: 'Inform and enforce' }).check();
    await check(now, 'wizard-actions');
    await next();

    await step('Review');
    await page.getByRole('button', { name: 'Start preview' }).click();
    await page.getByText(/violates? the policy$/).waitFor();
    await check(now, 'wizard-review');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await heading(page, NAME);
    const saved = await made(NAME);
    expect(saved).toMatchObject({
        severity: 'HIGH_SEVERITY', lifecycleStages: ['DEPLOY'], eventSource: 'NOT_APPLICABLE', disabled: false, isDefault: false,
        enforcementActions: ['SCALE_TO_ZERO_ENFORCEMENT', 'UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT'],
        policySections: [
            { sectionName: 'Rule 1', policyGroups: [{ fieldName: 'Privileged Container', negate: false, values: [{ value: 'true' }] }] },
            { sectionName: 'Rule 2', policyGroups: [{ fieldName: 'Image Tag', negate: true, booleanOperator: 'AND', values: [{ value: 'latest' }, { value: 'edge' }] }] },
        ],
        scope: [{ namespace: 'shop|payments' }],
        exclusions: [{ deployment: { name: 'debug-.*' } }],
    });
    expect(saved?.mitreAttackVectors.flatMap(({ techniques }) => techniques)).toHaveLength(status === 200 ? 1 : 0);

    await page.getByRole('button', { name: 'Actions' }).click();
    await page.getByRole('menuitem', { name: 'Clone policy' }).click();
    await heading(page, 'Clone policy');
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await heading(page, `${NAME} (COPY)`);

    await page.getByRole('button', { name: 'Actions' }).click();
    await page.getByRole('menuitem', { name: 'Edit policy' }).click();
    await heading(page, 'Edit policy');
    await page.getByRole('button', { name: 'Lifecycle' }).click();
    await page.getByRole('radio', { name: 'Runtime' }).click();
    await page.getByRole('button', { name: 'Reset and change' }).waitFor();
    await check(now, 'wizard-reset');
    await page.getByRole('button', { name: 'Cancel' }).first().click();
    expect(await page.getByRole('radio', { name: 'Deploy', exact: true }).isChecked()).toBe(true);
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByRole('radio', { name: 'Critical' }).check();
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await heading(page, `${NAME} (COPY)`);
    expect((await made(`${NAME} (COPY)`))?.severity).toBe('CRITICAL_SEVERITY');
});

it('keeps the rules of a system policy, and shows why Central refuses', async () => {
    const { page, problems } = now;
    await logIn(page, `${LIST}?perPage=100`);
    const { body } = await api<{ policies: Policy[] }>(page, '/v1/policies');
    const system = body.policies.find(({ isDefault }) => isDefault);
    await page.goto(`${new URL(page.url()).origin}${LIST}/${system?.id}?action=edit`);
    await heading(page, 'Edit policy');
    await page.getByRole('button', { name: 'Rules' }).click();
    await page.getByText('The rules of this system policy cannot be changed.', { exact: false }).waitFor();
    expect(await page.getByRole('button', { name: 'Add section' }).count()).toBe(0);
    await check(now, 'wizard-system');
    await page.goto(`${new URL(page.url()).origin}${LIST}/${system?.id}?action=clone`);
    await page.getByLabel('Name', { exact: false }).first().fill(system?.name ?? '');
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('The policy was not saved').waitFor();
    await page.getByText(/already exists/).waitFor();
    // The browser notes the refusal itself.
    problems.length = 0;
    await check(now, 'wizard-refused');
});
