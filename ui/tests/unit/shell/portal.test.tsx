// The whole portal in a simulated browser, against the development data.
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider, createMemoryHistory } from '@tanstack/react-router';
import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';

import { connection } from '@/api/connection';
import { createQueryClient } from '@/api/queries';
import { session } from '@/api/session';
import { createPortalRouter } from '@/router';

import { fakeFetch } from '../../setup';

// The first import of a page compiles it.
const PATIENCE = { timeout: 15_000 };
const LONG = 40_000;

function open(address: string) {
    const client = createQueryClient();
    const router = createPortalRouter();
    router.update({ history: createMemoryHistory({ initialEntries: [address] }) });
    render(
        <QueryClientProvider client={client}>
            <RouterProvider router={router} />
        </QueryClientProvider>
    );
    return router;
}
const heading = (name: string) => screen.findByRole('heading', { level: 1, name }, PATIENCE);

describe('the portal', () => {
    it('asks for a login and then shows what was asked for', async () => {
        const router = open('/main/policy-management/policies?s[Policy][0]=log4');
        await userEvent.type(await screen.findByLabelText(/Username/, {}, PATIENCE), 'admin');
        const button = screen.getByRole('button', { name: 'Log in' });
        expect(button.hasAttribute('disabled')).toBe(true);
        await userEvent.type(screen.getByLabelText(/Password/), 'wrong');
        await userEvent.click(button);
        expect(await screen.findByText(/invalid username or password/, {}, PATIENCE)).toBeTruthy();
        await userEvent.clear(screen.getByLabelText(/Password/));
        await userEvent.type(screen.getByLabelText(/Password/), 'letmein');
        await userEvent.click(button);
        await heading('Policy management');
        expect(router.state.location.search).toEqual({ s: { Policy: ['log4'] } });
        expect(await screen.findByText('1 result found', {}, PATIENCE)).toBeTruthy();
    }, LONG);

    it('says that a page does not exist and keeps the shell', async () => {
        session.begin('fake-token');
        open('/main/nope');
        await heading('Cannot find the page');
        expect(screen.getByRole('navigation', { name: 'Main navigation', hidden: true })).toBeTruthy();
    }, LONG);

    it('hides pages that the role may not read', async () => {
        session.begin('fake-token');
        vi.stubGlobal('fetch', vi.fn((input: string, init?: RequestInit) =>
            input.startsWith('/v1/mypermissions')
                ? Promise.resolve(new Response('{"resourceToAccess":{"Alert":"READ_ACCESS"}}'))
                : fakeFetch(input, init)));
        open('/main/clusters');
        await heading('Cannot find the page');
        const navigation = screen.getByRole('navigation', { name: 'Main navigation', hidden: true });
        expect(within(navigation).queryByText('Clusters')).toBeNull();
        expect(within(navigation).getByText('Violations')).toBeTruthy();
    }, LONG);

    it('recovers by itself when Central comes back', async () => {
        session.begin('fake-token');
        let gone = true;
        vi.stubGlobal('fetch', vi.fn((input: string, init?: RequestInit) =>
            gone ? Promise.reject(new TypeError('Failed to fetch')) : fakeFetch(input, init)));
        open('/main/clusters');
        expect(await screen.findByText(/Central cannot be reached/, {}, PATIENCE)).toBeTruthy();
        gone = false;
        await heading('Clusters');
        expect(await screen.findByText('production', {}, PATIENCE)).toBeTruthy();
        await waitFor(() => expect(connection.state()).not.toBe('unreachable'), PATIENCE);
        expect(await screen.findByText('Central is reachable again', {}, PATIENCE)).toBeTruthy();
    }, LONG);

    it('says on the login page that Central is gone, until it is back', async () => {
        let gone = true;
        vi.stubGlobal('fetch', vi.fn((input: string, init?: RequestInit) =>
            gone ? Promise.resolve(new Response('starting', { status: 503 })) : fakeFetch(input, init)));
        open('/login');
        expect(await screen.findByText(/Central cannot be reached/, {}, PATIENCE)).toBeTruthy();
        gone = false;
        expect(await screen.findByLabelText(/Username/, {}, PATIENCE)).toBeTruthy();
    }, LONG);

    it('leads a first user without clusters to the clusters page', async () => {
        session.begin('fake-token');
        vi.stubGlobal('fetch', vi.fn((input: string, init?: RequestInit) =>
            /^\/v1\/(sac\/)?clusters/.test(input) ? Promise.resolve(new Response('{"clusters":[]}')) : fakeFetch(input, init)));
        open('/main/dashboard');
        expect(await screen.findByText('No cluster is secured yet', {}, PATIENCE)).toBeTruthy();
    }, LONG);

    it('switches a policy off and on', async () => {
        session.begin('fake-token');
        open('/main/policy-management/policies?s[Policy][0]="Latest tag"');
        await userEvent.click(await screen.findByRole('link', { name: 'Latest tag' }, PATIENCE));
        const toggle = await screen.findByRole('switch', {}, PATIENCE);
        expect((toggle as HTMLInputElement).checked).toBe(true);
        await userEvent.click(toggle);
        await waitFor(() => expect(screen.getByRole<HTMLInputElement>('switch').checked).toBe(false), PATIENCE);
        await userEvent.click(screen.getByRole('switch'));
        await waitFor(() => expect(screen.getByRole<HTMLInputElement>('switch').checked).toBe(true), PATIENCE);
    }, LONG);

    it('starts the vulnerability results with severe, fixable findings', async () => {
        session.begin('fake-token');
        const router = open('/main/vulnerabilities');
        await heading('User workload vulnerabilities');
        await waitFor(() => expect(router.state.location.search).toMatchObject({ s: { Fixable: ['true'] } }), PATIENCE);
        const chips = await screen.findByRole('group', { name: 'Applied filters' }, PATIENCE);
        await userEvent.click(within(chips).getByRole('button', { name: 'Clear filters' }));
        await waitFor(() => expect(router.state.location.search).not.toHaveProperty('s'), PATIENCE);
    }, LONG);
});
