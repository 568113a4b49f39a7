import { QueryClientProvider } from '@tanstack/react-query';
import { act, render, screen } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';

import { connection } from '@/api/connection';
import { createQueryClient } from '@/api/queries';
import { session } from '@/api/session';
import { Banners, PublicBanner } from '@/shell/Banners';

import { fakeFetch } from '../../setup';

const HOUR = 3_600_000;

/** The development data, with other answers for some paths. */
function answering(changes: Record<string, unknown>): void {
    vi.stubGlobal('fetch', vi.fn((input: string, init?: RequestInit) => {
        const path = Object.keys(changes).find((key) => input.startsWith(key));
        return path === undefined ? fakeFetch(input, init) : Promise.resolve(new Response(JSON.stringify(changes[path])));
    }));
}
function show(element = <Banners />): void {
    session.begin('fake-token');
    render(<QueryClientProvider client={createQueryClient()}>{element}</QueryClientProvider>);
}
const status = (hours: number) => ({ userId: 'admin', expires: new Date(Date.now() + hours * HOUR).toISOString(), userInfo: null, userAttributes: [] });

describe('Banners', () => {
    it('warn that the database is gone', async () => {
        answering({ '/v1/database/status': { databaseAvailable: false } });
        show();
        expect(await screen.findByText(/database is not available/)).toBeTruthy();
    });
    it('warn shortly before the session ends', async () => {
        answering({ '/v1/auth/status': status(0.05) });
        show();
        expect(await screen.findByText(/Your session ends in 2 minutes/)).toBeTruthy();
    });
    it('end the session when its time is over', async () => {
        const ended = vi.fn();
        const stop = session.onEnd(ended);
        answering({ '/v1/auth/status': status(-1) });
        show();
        await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce());
        expect(session.token()).toBeNull();
        stop();
    });
    it('take an end beyond all timers for never', async () => {
        const ended = vi.fn();
        const stop = session.onEnd(ended);
        answering({ '/v1/auth/status': { ...status(0), expires: '9999-12-31T23:59:59.999999999Z' } });
        show();
        await vi.waitFor(() => expect(fetch).toHaveBeenCalledWith(expect.stringContaining('/v1/auth/status'), expect.anything()));
        await act(() => new Promise((resolve) => setTimeout(resolve, 50)));
        expect(ended).not.toHaveBeenCalled();
        stop();
    });
    it.each([
        [24 * 10, /certificate expires in 9 days|certificate expires in 10 days/],
        [-5, /certificate has expired/],
    ])('tell of a certificate with %d hours left', async (hours, text) => {
        answering({ '/v1/credentialexpiry': { expiry: new Date(Date.now() + hours * HOUR).toISOString() } });
        show();
        expect(await screen.findByText(text)).toBeTruthy();
    });
    it('say that Central is gone and back', () => {
        show();
        act(() => connection.lost());
        expect(screen.getByText(/Central cannot be reached/)).toBeTruthy();
        act(() => connection.reached());
        expect(screen.getByText('Central is reachable again')).toBeTruthy();
    });
});

describe('PublicBanner', () => {
    it("shows the administrator's text with harmless colours only", async () => {
        answering({ '/v1/config/public': { header: { enabled: true, text: 'Test system', size: '', color: '#ffffff', backgroundColor: 'red;background:url(//x)' }, footer: null, loginNotice: null } });
        show(<PublicBanner place="header" />);
        const line = await screen.findByText('Test system');
        expect(line.style.color).toBe('rgb(255, 255, 255)');
        expect(line.style.backgroundColor).toBe('');
    });
});
