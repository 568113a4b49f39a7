import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import type { ListPolicy } from '../../src/api/rest';

import type { Visit } from './browser';
import { api, check, heading, logIn, settled, stopBrowser, visit } from './browser';

let now: Visit;
beforeEach(async () => {
    now = await visit();
    await logIn(now.page, '/main/policy-management/policies?perPage=100');
});
afterEach(() => now.close());
afterAll(stopBrowser);

const policies = async () => (await api<{ policies: ListPolicy[] }>(now.page, '/v1/policies')).body.policies;

it('shows one row for each policy', async () => {
    const { page } = now;
    await heading(page, 'Policy management');
    await settled(page);
    const all = await policies();
    await page.getByText(`${all.length} results found`).waitFor();
    expect(await page.getByRole('grid', { name: 'Policies' }).getByRole('link').count()).toBe(Math.min(all.length, 100));
    await check(now, 'policies');
    await page.getByRole('button', { name: 'Details' }).first().click();
    await check(now, 'policy-row');
});

it('switches a policy off and on again', async () => {
    const { page } = now;
    await settled(page);
    const enabled = (await policies()).filter(({ disabled }) => !disabled).sort((a, b) => a.name.localeCompare(b.name))[0];
    expect(enabled).toBeDefined();
    const { id = '', name = '' } = enabled ?? {};
    const state = async () => (await policies()).find((policy) => policy.id === id)?.disabled;
    await page.getByRole('link', { name, exact: true }).click();
    await heading(page, name);
    await check(now, 'policy');
    const toggle = page.getByRole('switch', { name: 'Policy enabled' });
    try {
        await toggle.click({ force: true });
        await page.getByText(`Policy "${name}" disabled`).first().waitFor();
        await expect.poll(state).toBe(true);
        expect(await toggle.isChecked()).toBe(false);
        await check(now, 'policy-disabled');
        await toggle.click({ force: true });
        await page.getByText(`Policy "${name}" enabled`).first().waitFor();
        await expect.poll(state).toBe(false);
    } finally {
        await api(page, `/v1/policies/${id}`, { method: 'PATCH', body: { disabled: false } });
    }
});
