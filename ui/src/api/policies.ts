// What the pages of policies ask for and change.
import { queryOptions } from '@tanstack/react-query';

import { file, get, request } from './client';
import type { DryRun, FromSearch, ImportAnswer, MitreVector, Notifier, Policy, PolicyCategory } from './rest';

const one = (id: string) => `/v1/policies/${encodeURIComponent(id)}`;

export const policyQueries = {
    categories: () =>
        queryOptions({
            queryKey: ['policy-categories'],
            queryFn: async ({ signal }) =>
                (await get<{ categories: PolicyCategory[] }>('/v1/policycategories', { 'pagination.limit': 1000 }, signal)).categories,
            staleTime: 30_000,
        }),
    mitre: () =>
        queryOptions({
            queryKey: ['mitre'],
            queryFn: async ({ signal }) =>
                (await get<{ mitreAttackVectors: MitreVector[] }>('/v1/mitreattackvectors', {}, signal)).mitreAttackVectors,
            staleTime: Infinity,
        }),
    notifiers: () =>
        queryOptions({
            queryKey: ['notifiers'],
            queryFn: async ({ signal }) => (await get<{ notifiers: Notifier[] }>('/v1/notifiers', {}, signal)).notifiers,
            staleTime: 30_000,
            // Whoever may write policies need not be allowed to read integrations.
            retry: false,
        }),
    signatures: () =>
        queryOptions({
            queryKey: ['signature-integrations'],
            queryFn: async ({ signal }) =>
                (await get<{ integrations: { id: string; name: string }[] }>('/v1/signatureintegrations', {}, signal)).integrations,
            staleTime: 30_000,
            retry: false,
        }),
    fromSearch: (search: string) =>
        queryOptions({
            queryKey: ['policy-from-search', search],
            queryFn: ({ signal }) => request<FromSearch>('POST', '/v1/policies/from-search', { body: { searchParams: search }, signal }),
            staleTime: Infinity,
        }),
};

export const policyChanges = {
    get: (id: string) => get<Policy>(one(id)),
    create: (policy: Policy) => request<Policy>('POST', '/v1/policies', { params: { enableStrictValidation: 'true' }, body: policy }),
    replace: (policy: Policy) => request('PUT', one(policy.id), { body: policy }),
    remove: (id: string) => request('DELETE', one(id)),
    setDisabled: (id: string, disabled: boolean) => request('PATCH', one(id), { body: { disabled } }),
    reassess: () => request('POST', '/v1/policies/reassess', { body: {} }),
    setNotifiers: (id: string, notifierIds: readonly string[], disable: boolean) =>
        request('PATCH', `${one(id)}/notifiers`, { body: { notifierIds, disable } }),
    exported: async (policyIds: readonly string[]) =>
        (await request<{ policies: Policy[] }>('POST', '/v1/policies/export', { body: { policyIds } })).policies,
    asResources: (ids: readonly string[]) => file('POST', '/api/policy/custom-resource/save-as-zip', { body: { ids } }),
    imported: (policies: readonly unknown[], overwrite: boolean) =>
        request<ImportAnswer>('POST', '/v1/policies/import', { body: { metadata: { overwrite }, policies } }),
    createCategory: (name: string) => request<PolicyCategory>('POST', '/v1/policycategories', { body: { name } }),
    renameCategory: (id: string, newCategoryName: string) => request('PUT', '/v1/policycategories', { body: { id, newCategoryName } }),
    removeCategory: (id: string) => request('DELETE', `/v1/policycategories/${encodeURIComponent(id)}`),
};

const JOBS = '/v1/policies/dryrunjob';
export const dryRuns = {
    start: async (policy: Policy) => (await request<{ jobId: string }>('POST', JOBS, { body: policy })).jobId,
    status: (jobId: string, signal?: AbortSignal) => get<DryRun>(`${JOBS}/${encodeURIComponent(jobId)}`, {}, signal),
    cancel: (jobId: string) => request('DELETE', `${JOBS}/${encodeURIComponent(jobId)}`),
};
