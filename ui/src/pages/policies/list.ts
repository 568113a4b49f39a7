// Filtering, sorting and paging of policies; Central sends them all.
import type { ListPolicy } from '@/api/rest';
import type { FilterEntity } from '@/components/Filter';
import { originOf } from '@/components/PolicyFacts';
import { lifecycles } from '@/lib/format';
import type { SearchFilter } from '@/lib/query';
import type { Sort } from '@/lib/useUrlState';

import { LIFECYCLE_OPTIONS, SEVERITY_OPTIONS } from '../violations/views';

export const POLICY_ENTITIES: readonly FilterEntity[] = [
    {
        label: 'Policy',
        attributes: [
            { field: 'Policy', label: 'Name' },
            { field: 'Description', label: 'Description' },
            { field: 'Severity', label: 'Severity', options: SEVERITY_OPTIONS },
            { field: 'Lifecycle Stage', label: 'Lifecycle stage', options: LIFECYCLE_OPTIONS },
            {
                field: 'Disabled',
                label: 'Status',
                options: [
                    { value: 'false', label: 'Enabled' },
                    { value: 'true', label: 'Disabled' },
                ],
            },
        ],
    },
];

const SEVERITY_ORDER = ['UNSET_SEVERITY', 'LOW_SEVERITY', 'MEDIUM_SEVERITY', 'HIGH_SEVERITY', 'CRITICAL_SEVERITY'];

const VALUE: Record<string, (policy: ListPolicy) => string | number> = {
    Policy: ({ name }) => name.toLowerCase(),
    Status: ({ disabled }) => (disabled ? 'Disabled' : 'Enabled'),
    Origin: originOf,
    Notifiers: ({ notifiers }) => notifiers.length,
    Severity: ({ severity }) => SEVERITY_ORDER.indexOf(severity),
    Lifecycle: ({ lifecycleStages }) => lifecycles(lifecycleStages),
};
export const POLICY_SORTS = Object.keys(VALUE);

function contains(text: string, values: readonly string[]): boolean {
    const lower = text.toLowerCase();
    return values.some((value) => lower.includes(value.replaceAll('"', '').toLowerCase()));
}

const MATCH: Record<string, (policy: ListPolicy, values: readonly string[]) => boolean> = {
    Policy: ({ name }, values) => contains(name, values),
    Description: ({ description }, values) => contains(description, values),
    Severity: ({ severity }, values) => values.includes(severity),
    'Lifecycle Stage': ({ lifecycleStages }, values) => lifecycleStages.some((stage) => values.includes(stage)),
    Disabled: ({ disabled }, values) => values.includes(String(disabled)),
};

export function filterPolicies(policies: readonly ListPolicy[], filter: SearchFilter): ListPolicy[] {
    const terms = Object.entries(filter).filter(([field]) => MATCH[field] !== undefined);
    return policies.filter((policy) => terms.every(([field, values]) => MATCH[field]?.(policy, values)));
}

export function sortPolicies(policies: readonly ListPolicy[], sort: Sort): ListPolicy[] {
    const valueOf = VALUE[sort.field] ?? VALUE['Policy'];
    const sign = sort.direction === 'desc' ? -1 : 1;
    const compare = (a: string | number, b: string | number) =>
        typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
    return [...policies].sort(
        (a, b) => sign * compare(valueOf?.(a) ?? '', valueOf?.(b) ?? '') || a.name.localeCompare(b.name)
    );
}
