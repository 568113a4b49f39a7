import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { ErrorBoundary } from '@/components/ErrorBoundary';

let broken = true;
function Page() {
    if (broken) {
        throw new Error('no such field');
    }
    return <p>fine</p>;
}

describe('ErrorBoundary', () => {
    beforeEach(() => {
        broken = true;
        // React tells the console of every caught error.
        vi.spyOn(console, 'error').mockImplementation(() => undefined);
    });
    afterEach(() => vi.restoreAllMocks());

    it('shows the failure instead of the page, and the page again on request', async () => {
        render(<ErrorBoundary resetKey="/a"><Page /></ErrorBoundary>);
        expect(screen.getByRole('heading', { level: 1, name: 'This page has failed' })).toBeTruthy();
        expect(screen.getByText(/no such field/)).toBeTruthy();
        broken = false;
        await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
        expect(screen.getByText('fine')).toBeTruthy();
    });
    it('forgets the failure on another address', () => {
        const { rerender } = render(<ErrorBoundary resetKey="/a"><Page /></ErrorBoundary>);
        broken = false;
        rerender(<ErrorBoundary resetKey="/b"><Page /></ErrorBoundary>);
        expect(screen.getByText('fine')).toBeTruthy();
    });
});
