// The four views of violations and what each asks for.
import type { FilterEntity } from '@/components/Filter';
import type { Exclusion, ListAlert } from '@/api/rest';
import { sentence } from '@/lib/format';
import type { SearchFilter } from '@/lib/query';

export interface View {
    key: string;
    nav: string;
    title: string;
    context: SearchFilter;
}

export const FIRST_VIEW: View = {
    key: 'Applications view',
    nav: 'User Workloads',
    title: 'User workload violations',
    context: { 'Platform Component': ['false'], 'Entity Type': ['DEPLOYMENT'] },
};

export const VIEWS: readonly View[] = [
    FIRST_VIEW,
    {
        key: 'Platform view',
        nav: 'Platform',
        title: 'Platform violations',
        context: { 'Platform Component': ['true'], 'Entity Type': ['DEPLOYMENT'] },
    },
    { key: 'Node view', nav: 'Nodes', title: 'Node violations', context: { 'Entity Type': ['NODE'] } },
    { key: 'Full view', nav: 'All Violations', title: 'All violations', context: {} },
];

export const STATES = ['ACTIVE', 'RESOLVED', 'ATTEMPTED'] as const;

export const SEVERITY_OPTIONS = [
    { value: 'CRITICAL_SEVERITY', label: 'Critical' },
    { value: 'HIGH_SEVERITY', label: 'High' },
    { value: 'MEDIUM_SEVERITY', label: 'Medium' },
    { value: 'LOW_SEVERITY', label: 'Low' },
];
export const LIFECYCLE_OPTIONS = [
    { value: 'BUILD', label: 'Build' },
    { value: 'DEPLOY', label: 'Deploy' },
    { value: 'RUNTIME', label: 'Runtime' },
];

const ALERTS = 'ALERTS';
const POLICY: FilterEntity = {
    label: 'Policy',
    attributes: [
        { field: 'Policy', label: 'Name', suggest: ALERTS },
        { field: 'Severity', label: 'Severity', options: SEVERITY_OPTIONS },
        { field: 'Category', label: 'Category', suggest: ALERTS },
        { field: 'Lifecycle Stage', label: 'Lifecycle stage', options: LIFECYCLE_OPTIONS },
    ],
};
const CLUSTER: FilterEntity = {
    label: 'Cluster',
    attributes: [
        { field: 'Cluster', label: 'Name', suggest: ALERTS },
        { field: 'Cluster ID', label: 'ID' },
    ],
};
const NAMESPACE: FilterEntity = {
    label: 'Namespace',
    attributes: [
        { field: 'Namespace', label: 'Name', suggest: ALERTS },
        { field: 'Namespace ID', label: 'ID' },
    ],
};
const DEPLOYMENT: FilterEntity = {
    label: 'Deployment',
    attributes: [
        { field: 'Deployment', label: 'Name', suggest: ALERTS },
        { field: 'Deployment ID', label: 'ID' },
    ],
};
const NODE: FilterEntity = { label: 'Node', attributes: [{ field: 'Node', label: 'Name', suggest: ALERTS }] };
const RESOURCE: FilterEntity = { label: 'Resource', attributes: [{ field: 'Resource', label: 'Name', suggest: ALERTS }] };
const VIOLATION: FilterEntity = {
    label: 'Policy violation',
    attributes: [{ field: 'Violation Time', label: 'Violation time', example: 'for example >7d or 11/24/2026' }],
};

export function filterEntities(view: View): FilterEntity[] {
    switch (view.key) {
        case 'Node view':
            return [POLICY, CLUSTER, NODE, VIOLATION];
        case 'Full view':
            return [POLICY, CLUSTER, NAMESPACE, DEPLOYMENT, NODE, RESOURCE, VIOLATION];
        default:
            return [POLICY, CLUSTER, NAMESPACE, DEPLOYMENT, VIOLATION];
    }
}

/** What the violation is about, its kind, and where it lives. */
export function entityOf(alert: ListAlert): { name: string; type: string; location: string } {
    const info = alert.commonEntityInfo;
    const where = [info?.clusterName, info?.namespace].filter((part) => part !== undefined && part !== '').join(' / ');
    if (alert.deployment) {
        const { name, deploymentType, clusterName, namespace } = alert.deployment;
        return { name, type: deploymentType || 'Deployment', location: where || `${clusterName} / ${namespace}` };
    }
    if (alert.node) {
        return { name: alert.node.name, type: 'Node', location: where };
    }
    return { name: alert.resource?.name ?? '-', type: sentence(info?.resourceType ?? 'Resource'), location: where };
}

/** Runtime violations and refused attempts are resolved by hand; others end with their cause. */
export function isResolvable(alert: ListAlert): boolean {
    return alert.state === 'ATTEMPTED' || (alert.state === 'ACTIVE' && alert.lifecycleStage === 'RUNTIME');
}

/** Whether the workload can be excluded from the policy: it exists, and was not refused at its creation. */
export function isExcludable(alert: ListAlert): boolean {
    return Boolean(alert.deployment) && alert.enforcementAction !== 'FAIL_DEPLOYMENT_CREATE_ENFORCEMENT' && alert.policy !== null;
}

/** The deployments of the alerts by policy, each once. */
export function exclusionsOf(alerts: readonly ListAlert[]): Map<string, Exclusion[]> {
    const byPolicy = new Map<string, Map<string, Exclusion>>();
    for (const { policy, deployment, commonEntityInfo } of alerts) {
        if (policy !== null && deployment) {
            const cluster = commonEntityInfo?.clusterId ?? '';
            const namespace = commonEntityInfo?.namespace ?? deployment.namespace;
            const scope = { cluster, namespace, label: null };
            const known = byPolicy.get(policy.id) ?? new Map<string, Exclusion>();
            known.set(`${cluster}/${namespace}/${deployment.name}`, { name: '', deployment: { name: deployment.name, scope }, image: null, expiration: null });
            byPolicy.set(policy.id, known);
        }
    }
    return new Map([...byPolicy].map(([id, exclusions]) => [id, [...exclusions.values()]]));
}

export function enforcedText(alert: ListAlert): string {
    if (alert.state === 'ATTEMPTED' || alert.enforcementAction === 'FAIL_KUBE_REQUEST_ENFORCEMENT') {
        return 'Yes';
    }
    if (alert.enforcementAction === 'UNSET_ENFORCEMENT') {
        return 'No';
    }
    return alert.enforcementCount > 1 ? `${alert.enforcementCount} times` : 'Yes';
}
