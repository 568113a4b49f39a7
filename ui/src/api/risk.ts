// What the pages of risk ask for and change.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { restListParams } from '@/lib/query';
import type { RestList } from '@/lib/query';

import { file, get, request } from './client';
import type { BaselineKey, DeploymentAtRisk, DeploymentWithRisk, ProcessBaseline, ProcessGroup } from './rest';
import type { Timeline } from './ui';

const BASELINES = '/v1/processbaselines';

export const riskQueries = {
    deployments: (list: RestList) =>
        queryOptions({
            queryKey: ['risk', 'list', list],
            queryFn: async ({ signal }) =>
                (await get<{ deployments: DeploymentAtRisk[] }>('/v1/deploymentswithprocessinfo', restListParams(list), signal)).deployments,
            refetchInterval: 30_000,
            placeholderData: keepPreviousData,
        }),
    count: (query: string) =>
        queryOptions({
            queryKey: ['risk', 'count', query],
            queryFn: async ({ signal }) => (await get<{ count: number }>('/v1/deploymentscount', { query }, signal)).count,
            refetchInterval: 30_000,
            placeholderData: keepPreviousData,
        }),
    deployment: (id: string) =>
        queryOptions({
            queryKey: ['risk', 'one', id],
            queryFn: ({ signal }) => get<DeploymentWithRisk>(`/v1/deploymentswithrisk/${encodeURIComponent(id)}`, {}, signal),
        }),
    processes: (id: string) =>
        queryOptions({
            queryKey: ['risk', 'processes', id],
            queryFn: async ({ signal }) =>
                (await get<{ groups: ProcessGroup[] }>(`/v1/processes/deployment/${encodeURIComponent(id)}/grouped/container`, {}, signal)).groups,
        }),
    timeline: (id: string) =>
        queryOptions({
            queryKey: ['risk', 'timeline', id],
            queryFn: ({ signal }) => get<Timeline>(`/api/ui/risk/deployments/${encodeURIComponent(id)}/timeline`, {}, signal),
            retry: false,
        }),
    baseline: ({ deploymentId, containerName, clusterId, namespace }: BaselineKey) =>
        queryOptions({
            queryKey: ['risk', 'baseline', deploymentId, containerName],
            queryFn: ({ signal }) =>
                get<ProcessBaseline>(
                    `${BASELINES}/key`,
                    { 'key.deploymentId': deploymentId, 'key.containerName': containerName, 'key.clusterId': clusterId, 'key.namespace': namespace },
                    signal
                ),
            // A container whose processes were never seen has no baseline.
            retry: false,
        }),
};

interface BaselineAnswer {
    baselines: ProcessBaseline[];
    errors: { error: string }[];
}

/** Central answers each key by itself; one that failed is an error here. */
async function changed(path: string, body: object): Promise<void> {
    const { errors } = await request<BaselineAnswer>('PUT', path, { body });
    const failed = errors?.[0];
    if (failed !== undefined) {
        throw new Error(failed.error);
    }
}

export const baselineChanges = {
    lock: (key: BaselineKey, locked: boolean) => changed(`${BASELINES}/lock`, { keys: [key], locked }),
    change: (key: BaselineKey, add: readonly string[], remove: readonly string[]) =>
        changed(BASELINES, {
            keys: [key],
            addElements: add.map((processName) => ({ processName })),
            removeElements: remove.map((processName) => ({ processName })),
        }),
};

export const timelineCsv = (deploymentId: string) =>
    file('GET', '/api/risk/timeline/export/csv', { params: { query: `Deployment ID:"${deploymentId}"` } });
