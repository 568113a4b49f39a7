// All addresses of the portal; each page is a chunk of its own.
import { Outlet, createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import type { ComponentType } from 'react';
import { lazy } from 'react';

import { queries } from './api/queries';
import { session } from './api/session';
import { BrokenPage } from './components/ErrorBoundary';
import { Loading, PageNotFound } from './components/States';
import { parseUrlSearch, stringifyUrlSearch } from './lib/urlSearch';
import MainPage from './shell/MainPage';
import { mayRead } from './shell/permissions';

type Page = Promise<{ default: ComponentType }>;

/** A page that exists only for those who may read what it shows. */
function page(load: () => Page, needs: readonly string[] = []) {
    const Lazy = lazy(load);
    return function GuardedPage() {
        const { data } = useQuery(queries.permissions());
        return needs.every((resource) => mayRead(data, resource)) ? <Lazy /> : <PageNotFound />;
    };
}

const root = createRootRoute({ component: Outlet, notFoundComponent: PageNotFound });

const home = createRoute({
    getParentRoute: () => root,
    path: '/',
    beforeLoad: () => {
        // The router's own way to leave for another page.
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        throw redirect({ to: '/main/dashboard' });
    },
});

const login = createRoute({
    getParentRoute: () => root,
    path: '/login',
    component: lazyRouteComponent(() => import('./pages/login/LoginPage')),
});

// Where Central sends the browser after a login elsewhere; what it says stands in the fragment.
const loginAnswer = createRoute({
    getParentRoute: () => root,
    path: '/auth/response/$',
    component: lazyRouteComponent(() => import('./pages/login/LoginAnswerPage')),
});

const main = createRoute({
    getParentRoute: () => root,
    path: '/main',
    component: MainPage,
    notFoundComponent: PageNotFound,
    beforeLoad: ({ location }) => {
        if (session.token() === null) {
            session.remember(location.href);
            // The router's own way to leave for another page.
            // eslint-disable-next-line @typescript-eslint/only-throw-error
            throw redirect({ to: '/login' });
        }
    },
});

function under(path: string, load: () => Page, needs: readonly string[] = []) {
    return createRoute({ getParentRoute: () => main, path, component: page(load, needs) });
}

function moved(path: string, to: string) {
    return createRoute({
        getParentRoute: () => main,
        path,
        beforeLoad: ({ search }) => {
            // The router's own way to leave for another page.
            // eslint-disable-next-line @typescript-eslint/only-throw-error
            throw redirect({ to, search: search, replace: true });
        },
    });
}

const dashboard = () => import('./pages/dashboard/DashboardPage');
const violations = () => import('./pages/violations/ViolationsPage');
const violation = () => import('./pages/violations/ViolationPage');
const policies = () => import('./pages/policies/PoliciesPage');
const policy = () => import('./pages/policies/PolicyPage');
const categories = () => import('./pages/policies/CategoriesPage');
const risks = () => import('./pages/risk/RiskPage');
const risk = () => import('./pages/risk/RiskDetailsPage');
const clusters = () => import('./pages/clusters/ClustersPage');
const cluster = () => import('./pages/clusters/ClusterPage');
const workloads = () => import('./pages/vulnerabilities/WorkloadsPage');
const cve = () => import('./pages/vulnerabilities/CvePage');
const image = () => import('./pages/vulnerabilities/ImagePage');
const deployment = () => import('./pages/vulnerabilities/DeploymentPage');

const SCANNED = ['Deployment', 'Image'];
const vulnerabilityPages = ['user-workloads', 'platform', 'all-images'].flatMap((view) => [
    under(`/vulnerabilities/${view}`, workloads, SCANNED),
    under(`/vulnerabilities/${view}/cves/$cveId`, cve, SCANNED),
    under(`/vulnerabilities/${view}/images/$imageId`, image, SCANNED),
    under(`/vulnerabilities/${view}/deployments/$deploymentId`, deployment, SCANNED),
]);

const routeTree = root.addChildren([
    home,
    login,
    loginAnswer,
    main.addChildren([
        moved('/', '/main/dashboard'),
        under('/dashboard', dashboard),
        under('/violations', violations, ['Alert']),
        under('/violations/$alertId', violation, ['Alert']),
        moved('/policy-management', '/main/policy-management/policies'),
        under('/policy-management/policies', policies, ['WorkflowAdministration']),
        under('/policy-management/policies/$policyId', policy, ['WorkflowAdministration']),
        under('/policy-management/policy-categories', categories, ['WorkflowAdministration']),
        moved('/risk', '/main/risk/workloads'),
        under('/risk/workloads', risks, ['Deployment']),
        under('/risk/workloads/$deploymentId', risk, ['Deployment']),
        under('/clusters', clusters, ['Cluster']),
        under('/clusters/$clusterId', cluster, ['Cluster']),
        moved('/vulnerabilities', '/main/vulnerabilities/user-workloads'),
        moved('/vulnerabilities/workload-cves', '/main/vulnerabilities/all-images'),
        ...vulnerabilityPages,
    ]),
]);

export function createPortalRouter() {
    return createRouter({
        routeTree,
        parseSearch: parseUrlSearch,
        stringifySearch: stringifyUrlSearch,
        defaultPendingComponent: Loading,
        defaultErrorComponent: ({ error, reset }) => (
            <BrokenPage error={error instanceof Error ? error : new Error(String(error))} onRetry={reset} />
        ),
        defaultPreload: 'intent',
        scrollRestoration: true,
    });
}
