// The list of policies; with `?action=create` or `?action=generate` in the address, the wizard instead.
import { Button, Label, Toolbar, ToolbarContent, ToolbarItem } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';

import { policyQueries } from '@/api/policies';
import { queries } from '@/api/queries';
import type { ListPolicy } from '@/api/rest';
import type { BulkAction } from '@/components/BulkMenu';
import { BulkMenu } from '@/components/BulkMenu';
import { Confirm } from '@/components/Confirm';
import { CompoundFilter, FilterChips } from '@/components/Filter';
import type { Column } from '@/components/ListTable';
import { ListTable } from '@/components/ListTable';
import { Paging } from '@/components/Paging';
import { originOf } from '@/components/PolicyFacts';
import { SeverityLabel } from '@/components/Severity';
import { lifecycles, plural } from '@/lib/format';
import { isEmpty } from '@/lib/query';
import { useListState, useUrlSearch } from '@/lib/useUrlState';
import { usePermissions } from '@/shell/permissions';

import { ImportDialog } from './ImportDialog';
import { NotifierDialog } from './NotifierDialog';
import { PolicyArea } from './PolicyArea';
import { POLICY_ENTITIES, POLICY_SORTS, filterPolicies, sortPolicies } from './list';
import { useDisable } from './useDisable';
import { isDeletable, isEditable, isSavable, useDelete, useExport, useReassess, useSaveAsResources } from './usePolicyActions';
import { CreatePage } from './wizard/CreatePage';

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
    const [search] = useUrlSearch();
    const { write } = usePermissions();
    if (write('WorkflowAdministration') && (search['action'] === 'create' || search['action'] === 'generate')) {
        return <CreatePage action={search['action']} />;
    }
    return <PolicyList />;
}

type Question = { ask: 'import' } | { ask: 'delete' | 'notify' | 'silence'; policies: readonly ListPolicy[] };

function PolicyList() {
    const result = useQuery(queries.policies());
    const list = useListState(POLICY_SORTS, { field: 'Policy', direction: 'asc' });
    const mayWrite = usePermissions().write('WorkflowAdministration');
    const navigate = useNavigate();
    const reassess = useReassess();
    const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
    const [question, setQuestion] = useState<Question>();
    const rows = useMemo(
        () => (result.data === undefined ? undefined : sortPolicies(filterPolicies(result.data, list.filter), list.sort)),
        [list.filter, list.sort, result.data]
    );
    const shown = rows?.slice((list.page - 1) * list.perPage, list.page * list.perPage);
    const picked = (rows ?? []).filter(({ id }) => chosen.has(id));
    const actions = useRowActions(setQuestion);
    const bulk = useBulkActions(picked, setQuestion, () => setChosen(new Set()));
    const buttons = mayWrite && (
        <div className="rox-inline">
            <Button variant="link" isDisabled={reassess.isPending} onClick={() => reassess.mutate()}>
                Reassess all
            </Button>
            <Button variant="secondary" onClick={() => setQuestion({ ask: 'import' })}>
                Import policy
            </Button>
            <Button onClick={() => void navigate({ to: '.', search: { action: 'create' } })}>Create policy</Button>
        </div>
    );
    return (
        <PolicyArea page="policies" actions={buttons}>
            <Toolbar>
                <ToolbarContent>
                    <CompoundFilter entities={POLICY_ENTITIES} filter={list.filter} onChange={list.setFilter} />
                </ToolbarContent>
                <FilterChips entities={POLICY_ENTITIES} filter={list.filter} onChange={list.setFilter} />
                <ToolbarContent>
                    <ToolbarItem>
                        <BulkMenu title="Bulk actions" actions={bulk} isDisabled={picked.length === 0} />
                    </ToolbarItem>
                    <ToolbarItem alignSelf="center">
                        <span>
                            <strong>{rows === undefined ? 'Counting…' : `${plural(rows.length, 'result')} found`}</strong>
                            {picked.length > 0 && `, ${picked.length} selected`}
                        </span>
                    </ToolbarItem>
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
                selected={chosen}
                onSelect={setChosen}
                actions={actions}
            />
            {question?.ask === 'import' && (
                <ImportDialog taken={new Set((result.data ?? []).map(({ name }) => name))} onClose={() => setQuestion(undefined)} />
            )}
            {question?.ask === 'delete' && (
                <DeleteQuestion
                    policies={question.policies}
                    onDone={() => {
                        setChosen(new Set());
                        setQuestion(undefined);
                    }}
                    onClose={() => setQuestion(undefined)}
                />
            )}
            {(question?.ask === 'notify' || question?.ask === 'silence') && (
                <NotifierDialog policies={question.policies} disable={question.ask === 'silence'} onClose={() => setQuestion(undefined)} />
            )}
        </PolicyArea>
    );
}

function useRowActions(ask: (question: Question) => void) {
    const mayWrite = usePermissions().write('WorkflowAdministration');
    const navigate = useNavigate();
    const change = useDisable();
    const save = useExport();
    const resources = useSaveAsResources();
    const wizard = (policyId: string, action: string) =>
        void navigate({ to: '/main/policy-management/policies/$policyId', params: { policyId }, search: { action } });
    return (policy: ListPolicy) => {
        const exported = { title: 'Export policy to JSON', onClick: () => save.mutate([policy]) };
        if (!mayWrite) {
            return [exported];
        }
        return [
            ...(isEditable(policy) ? [{ title: 'Edit policy', onClick: () => wizard(policy.id, 'edit') }] : []),
            { title: 'Clone policy', onClick: () => wizard(policy.id, 'clone') },
            {
                title: policy.disabled ? 'Enable policy' : 'Disable policy',
                onClick: () => change.mutate({ policies: [policy], disabled: !policy.disabled }),
            },
            exported,
            ...(isSavable(policy) ? [{ title: 'Save as Custom Resource', onClick: () => resources.mutate([policy]) }] : []),
            { isSeparator: true },
            {
                title: isDeletable(policy) ? 'Delete policy' : policy.isDefault ? 'Cannot delete a default policy' : 'Cannot delete an externally managed policy',
                isDisabled: !isDeletable(policy),
                isDanger: isDeletable(policy),
                onClick: () => ask({ ask: 'delete', policies: [policy] }),
            },
        ];
    };
}

function useBulkActions(picked: readonly ListPolicy[], ask: (question: Question) => void, onDone: () => void): BulkAction[] {
    const mayWrite = usePermissions().write('WorkflowAdministration');
    const { data: notifiers = [] } = useQuery({ ...policyQueries.notifiers(), enabled: mayWrite });
    const change = useDisable();
    const save = useExport();
    const resources = useSaveAsResources();
    const savable = picked.filter(isSavable);
    const exported = { title: 'Export policies', count: picked.length, onClick: () => save.mutate(picked) };
    if (!mayWrite) {
        return [exported];
    }
    const toggle = (disabled: boolean): BulkAction => {
        const policies = picked.filter((policy) => policy.disabled !== disabled);
        return {
            title: disabled ? 'Disable' : 'Enable',
            count: policies.length,
            onClick: () => {
                change.mutate({ policies, disabled });
                onDone();
            },
        };
    };
    const told = picked.filter((policy) => policy.notifiers.length > 0);
    const deletable = picked.filter(isDeletable);
    return [
        toggle(false),
        toggle(true),
        { title: 'Enable notification', count: notifiers.length === 0 ? 0 : picked.length, onClick: () => ask({ ask: 'notify', policies: picked }) },
        { title: 'Disable notification', count: told.length, onClick: () => ask({ ask: 'silence', policies: told }) },
        exported,
        { title: 'Save as Custom Resources', count: savable.length, onClick: () => resources.mutate(savable) },
        { title: 'Delete policies', count: deletable.length, isDanger: true, onClick: () => ask({ ask: 'delete', policies: deletable }) },
    ];
}

interface DeleteProps {
    policies: readonly ListPolicy[];
    onDone: () => void;
    onClose: () => void;
}

export function DeleteQuestion({ policies, onDone, onClose }: DeleteProps) {
    const remove = useDelete(onDone);
    const what = policies.length === 1 ? 'policy' : 'policies';
    return (
        <Confirm title={`Delete ${plural(policies.length, 'policy', 'policies')}?`} confirm="Delete" isDanger isLoading={remove.isPending} onConfirm={() => remove.mutate(policies)} onClose={onClose}>
            <p>{`The ${what} and the active violations of ${policies.length === 1 ? 'it' : 'them'} go. Export the ${what} first to keep a copy.`}</p>
            <ul className="rox-list-plain">
                {policies.map(({ id, name }) => (
                    <li key={id}>{name}</li>
                ))}
            </ul>
        </Confirm>
    );
}
