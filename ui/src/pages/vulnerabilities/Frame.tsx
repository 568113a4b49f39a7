// The horizontal navigation over all vulnerability pages.
import { useRouterState } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { SubNav } from '@/components/SubNav';

import type { View } from './views';
import { VIEWS, viewOf } from './views';

export function useView(): View {
    return viewOf(useRouterState({ select: (state) => state.location.pathname }));
}

export function Frame({ children }: { children: ReactNode }) {
    const view = useView();
    return (
        <>
            <SubNav
                label="Vulnerability views"
                items={VIEWS.map(({ path, nav }) => ({ title: nav, to: `/main/vulnerabilities/${path}`, active: path === view.path }))}
            />
            {children}
        </>
    );
}
