// The views of risk, and the words for what Central says about deployments at risk.
import type { DeploymentAtRisk, ProcessBaseline } from '@/api/rest';
import type { FilterEntity } from '@/components/Filter';
import type { SearchFilter } from '@/lib/query';

export interface RiskView {
    key: string;
    nav: string;
    title: string;
    context: SearchFilter;
}

export const FIRST_RISK_VIEW: RiskView = {
    key: 'Applications view',
    nav: 'User Workloads',
    title: 'User workload risk',
    context: { 'Platform Component': ['false'] },
};
export const RISK_VIEWS: readonly RiskView[] = [
    FIRST_RISK_VIEW,
    { key: 'Platform view', nav: 'Platform', title: 'Platform risk', context: { 'Platform Component': ['true'] } },
    { key: 'Full view', nav: 'All Deployments', title: 'All deployments risk', context: {} },
];

const DEPLOYMENTS = 'DEPLOYMENTS';
/** What deployments are found by; all but the first entity can become criteria of a policy. */
export const RISK_ENTITIES: readonly FilterEntity[] = [
    {
        label: 'Deployment',
        attributes: [
            { field: 'Deployment', label: 'Name', suggest: DEPLOYMENTS },
            { field: 'Deployment Label', label: 'Label', example: 'app=web' },
            { field: 'Deployment Annotation', label: 'Annotation', example: 'owner=team' },
        ],
    },
    { label: 'Namespace', attributes: [{ field: 'Namespace', label: 'Name', suggest: DEPLOYMENTS }] },
    { label: 'Cluster', attributes: [{ field: 'Cluster', label: 'Name', suggest: DEPLOYMENTS }] },
    {
        label: 'Image',
        attributes: [
            { field: 'Image', label: 'Name', suggest: DEPLOYMENTS },
            { field: 'Image Registry', label: 'Registry', suggest: DEPLOYMENTS },
            { field: 'Image Remote', label: 'Remote', suggest: DEPLOYMENTS },
            { field: 'Image Tag', label: 'Tag', suggest: DEPLOYMENTS },
            { field: 'CVE', label: 'CVE' },
            { field: 'CVSS', label: 'CVSS', example: 'for example >=7' },
        ],
    },
    {
        label: 'Container',
        attributes: [
            {
                field: 'Privileged',
                label: 'Privileged',
                options: [
                    { value: 'true', label: 'Privileged' },
                    { value: 'false', label: 'Not privileged' },
                ],
            },
            { field: 'Volume Name', label: 'Volume name', suggest: DEPLOYMENTS },
            { field: 'Port', label: 'Port', example: 'for example 8080' },
            { field: 'Process Name', label: 'Process name' },
        ],
    },
];

/** Whether any container ran what its baseline does not know. */
export function isAnomalous({ baselineStatuses }: DeploymentAtRisk): boolean {
    return baselineStatuses.some(({ anomalousProcessesExecuted }) => anomalousProcessesExecuted);
}

/** The rank among all deployments, 1 the riskiest; 0 means that no score is known yet. */
export function priorityText(priority: string | number | undefined): string {
    const number = Number(priority ?? 0);
    return Number.isFinite(number) && number > 0 ? number.toLocaleString('en-US') : '-';
}

export type BaselineLook = 'locked' | 'learned' | 'learning';

/** Locked by a person, learned to the end, or still learning until some time ahead. */
export function baselineLook({ userLockedTimestamp, stackRoxLockedTimestamp }: ProcessBaseline, now: number): BaselineLook {
    // Nobody locks for the future, and Central's clock may be ahead of the browser's.
    if (userLockedTimestamp !== null) {
        return 'locked';
    }
    return stackRoxLockedTimestamp !== null && Date.parse(stackRoxLockedTimestamp) <= now ? 'learned' : 'learning';
}

export const BASELINE_WORDS: Record<BaselineLook, string> = { locked: 'Locked', learned: 'Learned', learning: 'Learning' };

/** The program's own name: `/usr/bin/apt` to `apt`. */
export function programName(path: string): string {
    return path.slice(path.lastIndexOf('/') + 1) || path;
}
