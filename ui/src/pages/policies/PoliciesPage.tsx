// The list of policies.
import { Button, Label, PageSection, Toolbar, ToolbarContent, ToolbarItem } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';

import { queries } from '@/api/queries';
import type { ListPolicy } from '@/api/rest';
import { CompoundFilter, FilterChips } from '@/components/Filter';
import type { Column } from '@/components/ListTable';
import { ListTable } from '@/components/ListTable';
import { PageHead } from '@/components/PageTitle';
import { Paging } from '@/components/Paging';
import { originOf } from '@/components/PolicyFacts';
import { SeverityLabel } from '@/components/Severity';
import { lifecycles, plural } from '@/lib/format';
import { isEmpty } from '@/lib/query';
import { useListState } from '@/lib/useUrlState';
import { usePermissions } from '@/shell/permissions';

import { POLICY_ENTITIES, POLICY_SORTS, filterPolicies, sortPolicies } from './list';
import { useDisable } from './useDisable';

const COLUMNS: readonly Column<ListPolicy>[] = [
    {
        title: 'Policy',
        sortField: 'Policy',
        width: 40,
        cell: ({ id, name }) => (
            <Link to="/main/policy-management/policies/$policyId" params={{ policyId: id }}>
                {name}
            </Link>
        ),
    },
    { title: 'Status', sortField: 'Status', cell: ({ disabled }) => <StatusLabel disabled={disabled} /> },
    { title: 'Origin', sortField: 'Origin', cell: originOf },
    { title: 'Notifiers', sortField: 'Notifiers', cell: ({ notifiers }) => (notifiers.length === 0 ? '-' : notifiers.length) },
    { title: 'Severity', sortField: 'Severity', firstDirection: 'desc', cell: ({ severity }) => <SeverityLabel severity={severity} scale="policy" /> },
    { title: 'Lifecycle', sortField: 'Lifecycle', cell: ({ lifecycleStages }) => lifecycles(lifecycleStages) },
];

export function StatusLabel({ disabled }: { disabled: boolean }) {
    return (
        <Label isCompact color={disabled ? 'grey' : 'green'}>
            {disabled ? 'Disabled' : 'Enabled'}
        </Label>
    );
}

export default function PoliciesPage() {
    const result = useQuery(queries.policies());
    const list = useListState(POLICY_SORTS, { field: 'Policy', direction: 'asc' });
    const { write } = usePermissions();
    const mayWrite = write('WorkflowAdministration');
    const change = useDisable();
    const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
    const rows = useMemo(
        () => (result.data === undefined ? undefined : sortPolicies(filterPolicies(result.data, list.filter), list.sort)),
        [list.filter, list.sort, result.data]
    );
    const shown = rows?.slice((list.page - 1) * list.perPage, list.page * list.perPage);
    const picked = (rows ?? []).filter(({ id }) => chosen.has(id));
    const bulk = (disabled: boolean) => {
        const policies = picked.filter((policy) => policy.disabled !== disabled);
        return (
            <ToolbarItem>
                <Button
                    variant="secondary"
                    isDisabled={policies.length === 0 || change.isPending}
                    onClick={() => {
                        change.mutate({ policies, disabled });
                        setChosen(new Set());
                    }}
                >
                    {disabled ? 'Disable' : 'Enable'} ({policies.length})
                </Button>
            </ToolbarItem>
        );
    };
    return (
        <>
            <PageHead title="Policy management" description="Policies find risky images, deployments and activity, and may refuse them." />
            <PageSection isFilled>
                <Toolbar>
                    <ToolbarContent>
                        <CompoundFilter entities={POLICY_ENTITIES} filter={list.filter} onChange={list.setFilter} />
                    </ToolbarContent>
                    <FilterChips entities={POLICY_ENTITIES} filter={list.filter} onChange={list.setFilter} />
                    <ToolbarContent>
                        <ToolbarItem alignSelf="center">
                            <strong>{rows === undefined ? 'Counting…' : `${plural(rows.length, 'result')} found`}</strong>
                        </ToolbarItem>
                        {mayWrite && bulk(false)}
                        {mayWrite && bulk(true)}
                        <ToolbarItem variant="pagination" align={{ default: 'alignEnd' }}>
                            <Paging total={rows?.length} {...list} />
                        </ToolbarItem>
                    </ToolbarContent>
                </Toolbar>
                <ListTable
                    label="Policies"
                    columns={COLUMNS}
                    rows={shown}
                    error={result.error}
                    rowId={({ id }) => id}
                    rowName={({ name }) => name}
                    filtered={!isEmpty(list.filter)}
                    onClearFilters={() => list.setFilter({})}
                    sort={list.sort}
                    onSort={list.setSort}
                    expanded={({ description }) => description || 'No description'}
                    selected={mayWrite ? chosen : undefined}
                    onSelect={setChosen}
                    actions={
                        mayWrite
                            ? (policy) => [
                                  {
                                      title: policy.disabled ? 'Enable policy' : 'Disable policy',
                                      onClick: () => change.mutate({ policies: [policy], disabled: !policy.disabled }),
                                  },
                              ]
                            : undefined
                    }
                />
            </PageSection>
        </>
    );
}
