// Everything behind the login: masthead, sidebar, banners, and the page.
import { Page, SkipToContent } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { Suspense, useEffect, useRef } from 'react';

import { queries } from '@/api/queries';
import { ErrorBoundary } from '@/components/ErrorBoundary';
import { ErrorState, Loading } from '@/components/States';
import { Toasts } from '@/components/Toasts';

import { Banners, PublicBanner } from './Banners';
import { PortalMasthead } from './Masthead';
import { PortalSidebar } from './Sidebar';
import { mayRead, mayWrite } from './permissions';

const MAIN = 'main-content';

export default function MainPage() {
    const permissions = useQuery(queries.permissions());
    const pathname = useRouterState({ select: (state) => state.location.pathname });
    useFirstRun();
    if (permissions.data === undefined) {
        return (
            <main className="rox-boot">
                <Banners />
                {permissions.isError ? <ErrorState error={permissions.error} /> : <Loading />}
            </main>
        );
    }
    return (
        <>
            <PublicBanner place="header" />
            <Toasts />
            <Page
                masthead={<PortalMasthead />}
                sidebar={<PortalSidebar />}
                isManagedSidebar
                isContentFilled
                mainContainerId={MAIN}
                mainTabIndex={-1}
                skipToContent={<SkipToContent href={`#${MAIN}`}>Skip to content</SkipToContent>}
            >
                <Banners />
                <ErrorBoundary resetKey={pathname}>
                    <Suspense fallback={<Loading />}>
                        <Outlet />
                    </Suspense>
                </ErrorBoundary>
            </Page>
            <PublicBanner place="footer" />
        </>
    );
}

/** Without any cluster, whoever may add one starts at the clusters page. */
function useFirstRun(): void {
    const { data: permissions } = useQuery(queries.permissions());
    const { data: clusters } = useQuery({ ...queries.scopeClusters(), enabled: mayRead(permissions, 'Cluster') });
    const navigate = useNavigate();
    const decided = useRef(false);
    useEffect(() => {
        if (clusters === undefined || decided.current) {
            return;
        }
        decided.current = true;
        if (clusters.length === 0 && mayWrite(permissions, 'Cluster')) {
            void navigate({ to: '/main/clusters' });
        }
    }, [clusters, navigate, permissions]);
}
