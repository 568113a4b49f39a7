import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import type { Visit } from './browser';
import { PASSWORD, URL_BASE, USER, api, check, heading, logIn, settled, stopBrowser, visit } from './browser';

let now: Visit;
beforeEach(async () => {
    now = await visit();
});
afterEach(() => now.close());
afterAll(stopBrowser);

it('keeps out a wrong password and leads a right one to the page that was asked for', async () => {
    const { page, problems } = now;
    await page.goto(`${URL_BASE}/main/policy-management/policies?perPage=50`);
    await heading(page, 'Log in to your account');
    await check(now, 'login');
    const button = page.getByRole('button', { name: 'Log in' });
    expect(await button.isDisabled()).toBe(true);
    await page.getByLabel('Username').fill(USER);
    await page.getByLabel('Password').fill(`${PASSWORD}x`);
    await button.click();
    await page.getByText('The login has failed').waitFor();
    expect(page.url()).toMatch(/\/login/);
    // Chromium itself notes the refusal.
    expect(problems.filter((problem) => !problem.includes('exchangeToken'))).toEqual([]);
    problems.length = 0;
    await check(now, 'login-failed');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByLabel('Password').press('Enter');
    await heading(page, 'Policy management');
    expect(page.url()).toBe(`${URL_BASE}/main/policy-management/policies?perPage=50`);
});

it('logs out', async () => {
    const { page, problems } = now;
    await logIn(page);
    await settled(page);
    await page.getByRole('button', { name: USER }).click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await heading(page, 'Log in to your account');
    expect((await api(page, '/v1/policies')).status).toBe(401);
    expect(problems).toEqual([]);
});

it('asks for a new login when the session has ended, and comes back', async () => {
    const { page, problems } = now;
    await logIn(page, '/main/clusters');
    await heading(page, 'Clusters');
    await page.evaluate(() => localStorage.setItem('access_token', 'no-longer-valid'));
    await page.reload();
    await page.getByText('Your session has ended').waitFor();
    problems.length = 0;
    await page.getByLabel('Username').fill(USER);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await heading(page, 'Clusters');
    expect(problems).toEqual([]);
});
