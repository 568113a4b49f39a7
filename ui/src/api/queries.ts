// What the pages ask for, each with its key, so that pages share answers and invalidate them.
import { QueryClient, keepPreviousData, queryOptions } from '@tanstack/react-query';

import { restListParams } from '@/lib/query';
import type { RestList } from '@/lib/query';

import { ApiError, get, request } from './client';
import { fetchLoginProviders, fetchPublicConfig } from './login';
import type {
    Alert, AlertExplanation, AlertGroup, AuthStatus, Cluster, Deployment, ListAlert, ListPolicy, Metadata, Namespace, Permissions, Policy,
} from './rest';
import type {
    CveDetail, CveRow, Dashboard, DeploymentRow, EntityCounts, ImageCve, ImageDetail, ImageRow, Page,
} from './ui';

// A restart of Central takes seconds: ask until it answers, ever less often up to every 5 s.
const MAX_RETRY_DELAY_MS = 5_000;

export function createQueryClient(): QueryClient {
    return new QueryClient({
        defaultOptions: {
            queries: {
                staleTime: 2_000,
                // The portal knows better than the browser whether Central answers.
                networkMode: 'always',
                retry: (_count, error) => error instanceof ApiError && error.unreachable,
                retryDelay: (attempt) => Math.min(500 * 2 ** attempt, MAX_RETRY_DELAY_MS),
            },
            mutations: { networkMode: 'always' },
        },
    });
}

export interface UiList {
    query: string;
    limit: number;
    offset: number;
    sort?: string;
}

function uiParams({ query, limit, offset, sort }: UiList): Record<string, string | number> {
    return { query, limit, offset, ...(sort !== undefined && { sort }) };
}

/** Forgets what was answered to one user, before the next one logs in. */
export function forgetAnswers(client: QueryClient): void {
    client.removeQueries({ predicate: ({ meta }) => meta?.['open'] !== true });
    client.getMutationCache().clear();
}

const VULNERABILITIES = '/api/ui/vulnerabilities';

export const queries = {
    loginProviders: () => queryOptions({ queryKey: ['login-providers'], queryFn: fetchLoginProviders, meta: { open: true } }),
    publicConfig: () =>
        queryOptions({ queryKey: ['public-config'], queryFn: fetchPublicConfig, staleTime: 60_000, meta: { open: true } }),
    metadata: () => queryOptions({ queryKey: ['metadata'], queryFn: ({ signal }) => get<Metadata>('/v1/metadata', {}, signal) }),
    permissions: () =>
        queryOptions({
            queryKey: ['permissions'],
            queryFn: ({ signal }) => get<Permissions>('/v1/mypermissions', {}, signal),
            staleTime: 60_000,
        }),
    authStatus: () =>
        queryOptions({
            queryKey: ['auth-status'],
            queryFn: ({ signal }) => get<AuthStatus>('/v1/auth/status', {}, signal),
            staleTime: 60_000,
        }),
    centralExpiry: () =>
        queryOptions({
            queryKey: ['credential-expiry'],
            queryFn: async ({ signal }) =>
                (await get<{ expiry: string | null }>('/v1/credentialexpiry', { component: 'CENTRAL' }, signal)).expiry,
            staleTime: 3_600_000,
        }),
    databaseStatus: () =>
        queryOptions({
            queryKey: ['database'],
            queryFn: ({ signal }) => get<{ databaseAvailable: boolean }>('/v1/database/status', {}, signal),
            refetchInterval: 60_000,
        }),
    dashboard: (query: string) =>
        queryOptions({
            queryKey: ['dashboard', query],
            queryFn: ({ signal }) => get<Dashboard>('/api/ui/dashboard', { query }, signal),
            refetchInterval: 30_000,
            placeholderData: keepPreviousData,
        }),
    alertCounts: (query: string, groupBy: 'UNSET' | 'CATEGORY' | 'CLUSTER') =>
        queryOptions({
            queryKey: ['alerts', 'counts', query, groupBy],
            queryFn: ({ signal }) =>
                get<{ groups: AlertGroup[] }>('/v1/alerts/summary/counts', { 'request.query': query, group_by: groupBy }, signal),
            refetchInterval: 30_000,
            placeholderData: keepPreviousData,
        }),
    alerts: (list: RestList) =>
        queryOptions({
            queryKey: ['alerts', 'list', list],
            queryFn: async ({ signal }) => (await get<{ alerts: ListAlert[] }>('/v1/alerts', restListParams(list), signal)).alerts,
            refetchInterval: 5_000,
            placeholderData: keepPreviousData,
        }),
    alertsCount: (query: string) =>
        queryOptions({
            queryKey: ['alerts', 'count', query],
            queryFn: async ({ signal }) => (await get<{ count: number }>('/v1/alertscount', { query }, signal)).count,
            refetchInterval: 5_000,
            placeholderData: keepPreviousData,
        }),
    alert: (id: string) =>
        queryOptions({
            queryKey: ['alerts', 'one', id],
            queryFn: ({ signal }) => get<Alert>(`/v1/alerts/${encodeURIComponent(id)}`, {}, signal),
        }),
    explanation: (id: string) =>
        queryOptions({
            queryKey: ['alerts', 'explanation', id],
            queryFn: ({ signal }) => get<AlertExplanation>(`/api/alerts/${encodeURIComponent(id)}/explanation`, {}, signal),
            retry: false,
        }),
    policies: () =>
        queryOptions({
            queryKey: ['policies', 'list'],
            queryFn: async ({ signal }) => (await get<{ policies: ListPolicy[] }>('/v1/policies', {}, signal)).policies,
        }),
    policy: (id: string) =>
        queryOptions({
            queryKey: ['policies', 'one', id],
            queryFn: ({ signal }) => get<Policy>(`/v1/policies/${encodeURIComponent(id)}`, {}, signal),
        }),
    clusters: (query = '') =>
        queryOptions({
            queryKey: ['clusters', 'list', query],
            queryFn: async ({ signal }) => (await get<{ clusters: Cluster[] }>('/v1/clusters', query === '' ? {} : { query }, signal)).clusters,
            refetchInterval: 5_000,
            placeholderData: keepPreviousData,
        }),
    cluster: (id: string) =>
        queryOptions({
            queryKey: ['clusters', 'one', id],
            queryFn: async ({ signal }) =>
                (await get<{ cluster: Cluster }>(`/v1/clusters/${encodeURIComponent(id)}`, {}, signal)).cluster,
            refetchInterval: 5_000,
        }),
    scopeClusters: () =>
        queryOptions({
            queryKey: ['clusters', 'scope'],
            queryFn: async ({ signal }) =>
                (await get<{ clusters: { id: string; name: string }[] }>('/v1/sac/clusters', {}, signal)).clusters,
            staleTime: 30_000,
        }),
    namespaces: () =>
        queryOptions({
            queryKey: ['namespaces'],
            queryFn: async ({ signal }) => (await get<{ namespaces: Namespace[] }>('/v1/namespaces', {}, signal)).namespaces,
            staleTime: 30_000,
        }),
    deployment: (id: string) =>
        queryOptions({
            queryKey: ['deployments', id],
            queryFn: ({ signal }) => get<Deployment>(`/v1/deployments/${encodeURIComponent(id)}`, {}, signal),
        }),
    suggestions: (field: string, text: string, category: string) =>
        queryOptions({
            queryKey: ['suggestions', field, text, category],
            queryFn: async ({ signal }) =>
                (await get<{ values: string[] }>('/v1/search/autocomplete', { query: `${field}:${text}`, categories: category }, signal)).values,
            enabled: text !== '',
            retry: false,
            staleTime: 30_000,
            placeholderData: keepPreviousData,
        }),
    entityCounts: (query: string) =>
        queryOptions({
            queryKey: ['vulnerabilities', 'counts', query],
            queryFn: ({ signal }) => get<EntityCounts>(`${VULNERABILITIES}/counts`, { query }, signal),
            placeholderData: keepPreviousData,
        }),
    cves: (list: UiList) =>
        queryOptions({
            queryKey: ['vulnerabilities', 'cves', list],
            queryFn: ({ signal }) => get<Page<CveRow>>(`${VULNERABILITIES}/cves`, uiParams(list), signal),
            placeholderData: keepPreviousData,
        }),
    cve: (cve: string, query: string) =>
        queryOptions({
            queryKey: ['vulnerabilities', 'cve', cve, query],
            queryFn: ({ signal }) => get<CveDetail>(`${VULNERABILITIES}/cves/${encodeURIComponent(cve)}`, { query }, signal),
            placeholderData: keepPreviousData,
        }),
    images: (list: UiList) =>
        queryOptions({
            queryKey: ['vulnerabilities', 'images', list],
            queryFn: ({ signal }) => get<Page<ImageRow>>(`${VULNERABILITIES}/images`, uiParams(list), signal),
            placeholderData: keepPreviousData,
        }),
    image: (id: string, query: string) =>
        queryOptions({
            queryKey: ['vulnerabilities', 'image', id, query],
            queryFn: ({ signal }) => get<ImageDetail>(`${VULNERABILITIES}/images/${encodeURIComponent(id)}`, { query }, signal),
            placeholderData: keepPreviousData,
        }),
    imageCves: (id: string, list: UiList) =>
        queryOptions({
            queryKey: ['vulnerabilities', 'image-cves', id, list],
            queryFn: ({ signal }) => get<Page<ImageCve>>(`${VULNERABILITIES}/images/${encodeURIComponent(id)}/cves`, uiParams(list), signal),
            placeholderData: keepPreviousData,
        }),
    vulnerableDeployments: (list: UiList) =>
        queryOptions({
            queryKey: ['vulnerabilities', 'deployments', list],
            queryFn: ({ signal }) => get<Page<DeploymentRow>>(`${VULNERABILITIES}/deployments`, uiParams(list), signal),
            placeholderData: keepPreviousData,
        }),
};

export const changes = {
    resolveAlert: (id: string, addToBaseline: boolean) =>
        request('PATCH', `/v1/alerts/${encodeURIComponent(id)}/resolve`, { body: { addToBaseline } }),
};
