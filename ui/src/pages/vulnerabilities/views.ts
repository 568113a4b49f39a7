// The views of workload vulnerabilities, their filters and defaults.
import type { FilterEntity } from '@/components/Filter';
import type { Rank } from '@/lib/format';
import { RANKS, vulnerabilityRank } from '@/lib/format';
import type { SearchFilter } from '@/lib/query';
import type { Sort } from '@/lib/useUrlState';

export interface View {
    path: string;
    nav: string;
    title: string;
    description: string;
    base: SearchFilter;
}

export const VIEWS: readonly View[] = [
    {
        path: 'user-workloads',
        nav: 'User Workloads',
        title: 'User workload vulnerabilities',
        description: 'Vulnerabilities of the images that your own workloads use.',
        base: { 'Platform Component': ['false'] },
    },
    {
        path: 'platform',
        nav: 'Platform',
        title: 'Platform vulnerabilities',
        description: "Vulnerabilities of the images that the platform's own workloads use.",
        base: { 'Platform Component': ['true'] },
    },
    {
        path: 'all-images',
        nav: 'All vulnerable images',
        title: 'All vulnerable images',
        description: 'Vulnerabilities of all images, in use or not.',
        base: {},
    },
];

/** The view whose address this is. */
export function viewOf(pathname: string): View {
    return VIEWS.find(({ path }) => pathname.startsWith(`/main/vulnerabilities/${path}`)) ?? (VIEWS[0] as View);
}

export const SEVERITY_OPTIONS = [
    { value: 'CRITICAL_VULNERABILITY_SEVERITY', label: 'Critical' },
    { value: 'IMPORTANT_VULNERABILITY_SEVERITY', label: 'Important' },
    { value: 'MODERATE_VULNERABILITY_SEVERITY', label: 'Moderate' },
    { value: 'LOW_VULNERABILITY_SEVERITY', label: 'Low' },
    { value: 'UNKNOWN_VULNERABILITY_SEVERITY', label: 'Unknown' },
];
export const STATUS_OPTIONS = [
    { value: 'true', label: 'Fixable' },
    { value: 'false', label: 'Not fixable' },
];

/** Upstream's first filter: severe findings that can be fixed. */
export const DEFAULT_FILTER: SearchFilter = {
    Severity: ['CRITICAL_VULNERABILITY_SEVERITY', 'IMPORTANT_VULNERABILITY_SEVERITY'],
    Fixable: ['true'],
};

export function shownRanks(filter: SearchFilter): readonly Rank[] {
    const severities = filter['Severity'] ?? [];
    return severities.length === 0 ? RANKS : RANKS.filter((rank) => severities.some((severity) => vulnerabilityRank(severity) === rank));
}

export const CVE_ENTITY: FilterEntity = {
    label: 'CVE',
    attributes: [
        { field: 'CVE', label: 'Name', suggest: 'IMAGE_VULNERABILITIES_V2' },
        { field: 'Severity', label: 'Severity', options: SEVERITY_OPTIONS },
        { field: 'Fixable', label: 'Status', options: STATUS_OPTIONS },
        { field: 'CVSS', label: 'CVSS', example: 'for example >=7' },
        { field: 'EPSS Probability', label: 'EPSS probability', example: 'for example >0.5' },
    ],
};
export const COMPONENT_ENTITY: FilterEntity = {
    label: 'Image component',
    attributes: [
        { field: 'Component', label: 'Name', suggest: 'IMAGE_COMPONENTS_V2' },
        { field: 'Component Version', label: 'Version' },
    ],
};
const IMAGE_ENTITY: FilterEntity = {
    label: 'Image',
    attributes: [
        { field: 'Image', label: 'Name', suggest: 'IMAGES' },
        { field: 'Image OS', label: 'Operating system' },
        { field: 'Image Tag', label: 'Tag' },
        { field: 'Image Registry', label: 'Registry' },
    ],
};
const DEPLOYMENT_ENTITY: FilterEntity = {
    label: 'Deployment',
    attributes: [
        { field: 'Deployment', label: 'Name', suggest: 'DEPLOYMENTS' },
        { field: 'Deployment ID', label: 'ID' },
    ],
};
const NAMESPACE_ENTITY: FilterEntity = {
    label: 'Namespace',
    attributes: [{ field: 'Namespace', label: 'Name', suggest: 'DEPLOYMENTS' }],
};
const CLUSTER_ENTITY: FilterEntity = {
    label: 'Cluster',
    attributes: [{ field: 'Cluster', label: 'Name', suggest: 'DEPLOYMENTS' }],
};

export const OVERVIEW_ENTITIES: readonly FilterEntity[] = [
    CVE_ENTITY, IMAGE_ENTITY, COMPONENT_ENTITY, DEPLOYMENT_ENTITY, NAMESPACE_ENTITY, CLUSTER_ENTITY,
];
export const IMAGE_PAGE_ENTITIES: readonly FilterEntity[] = [CVE_ENTITY, COMPONENT_ENTITY];
export const CVE_PAGE_ENTITIES: readonly FilterEntity[] = [
    IMAGE_ENTITY, COMPONENT_ENTITY, DEPLOYMENT_ENTITY, NAMESPACE_ENTITY, CLUSTER_ENTITY,
];

/** The `sort` parameter of the private lists. */
export function sortParam({ field, direction }: Sort): string {
    return direction === 'desc' ? `-${field}` : field;
}

export const BY_SEVERITY: Sort = { field: 'severity', direction: 'desc' };
