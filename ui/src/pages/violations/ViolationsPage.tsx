// The list of policy violations.
import { PageSection, Tab, TabTitleText, Tabs, Toolbar, ToolbarContent, ToolbarItem } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import { queries } from '@/api/queries';
import type { ListAlert } from '@/api/rest';
import { BulkMenu } from '@/components/BulkMenu';
import { CompoundFilter, FilterChips } from '@/components/Filter';
import type { Column } from '@/components/ListTable';
import { ListTable } from '@/components/ListTable';
import { PageHead } from '@/components/PageTitle';
import { Paging } from '@/components/Paging';
import { SeverityLabel } from '@/components/Severity';
import { SubNav } from '@/components/SubNav';
import { dateTime, lifecycles, plural, sentence } from '@/lib/format';
import { isEmpty, toQuery } from '@/lib/query';
import { useListState, useUrlChoice } from '@/lib/useUrlState';

import { ExcludeQuestion, useViolationActions } from './actions';
import { FIRST_VIEW, STATES, VIEWS, enforcedText, entityOf, filterEntities } from './views';
import type { View } from './views';

const COLUMNS: readonly Column<ListAlert>[] = [
    {
        title: 'Policy',
        sortField: 'Policy',
        width: 30,
        cell: (alert) => (
            <Link to="/main/violations/$alertId" params={{ alertId: alert.id }}>
                {alert.policy?.name ?? alert.id}
            </Link>
        ),
    },
    {
        title: 'Entity',
        width: 20,
        cell: (alert) => {
            const { name, location } = entityOf(alert);
            return (
                <>
                    <div>{name}</div>
                    <small className="rox-subtle">{location !== '' && `in "${location}"`}</small>
                </>
            );
        },
    },
    { title: 'Type', cell: (alert) => entityOf(alert).type },
    { title: 'Enforced', sortField: 'Enforcement Action', cell: enforcedText },
    { title: 'Severity', sortField: 'Severity', firstDirection: 'desc', cell: ({ policy }) => <SeverityLabel severity={policy?.severity ?? ''} scale="policy" /> },
    { title: 'Categories', sortField: 'Category', cell: ({ policy }) => <Categories names={policy?.categories ?? []} /> },
    { title: 'Lifecycle', sortField: 'Lifecycle Stage', cell: ({ lifecycleStage }) => lifecycles([lifecycleStage]) },
    { title: 'Time', sortField: 'Violation Time', firstDirection: 'desc', nowrap: true, cell: ({ time }) => dateTime(time) },
];
const FIELDS = COLUMNS.flatMap(({ sortField }) => sortField ?? []);
const DEFAULT_SORT = { field: 'Violation Time', direction: 'desc' } as const;
const PER_PAGE = 50;

/** The first category; the others when pointed at, and on the violation's own page. */
function Categories({ names }: { names: readonly string[] }) {
    const [first, ...others] = names;
    if (others.length === 0) {
        return first ?? '-';
    }
    return <span title={names.join(', ')}>{`${first} and ${others.length} more`}</span>;
}

export default function ViolationsPage() {
    const [viewKey] = useUrlChoice('filteredWorkflowView', VIEWS.map(({ key }) => key));
    const view = VIEWS.find(({ key }) => key === viewKey) ?? FIRST_VIEW;
    return (
        <>
            <SubNav
                label="Violation views"
                items={VIEWS.map(({ key, nav }) => ({
                    title: nav,
                    to: '/main/violations',
                    search: { filteredWorkflowView: key },
                    active: key === view.key,
                }))}
            />
            <PageHead title={view.title} description="Where deployments, nodes and Kubernetes resources break a policy." />
            <ViolationList key={view.key} view={view} />
        </>
    );
}

function ViolationList({ view }: { view: View }) {
    const states = view.key === 'Node view' ? STATES.slice(0, 2) : STATES;
    const [state, setState] = useUrlChoice('violationState', states);
    const list = useListState(FIELDS, DEFAULT_SORT, PER_PAGE);
    const query = toQuery(list.filter, view.context, { 'Violation State': [state] });
    const alerts = useQuery(
        queries.alerts({
            query,
            limit: list.perPage,
            offset: (list.page - 1) * list.perPage,
            sortField: list.sort.field,
            reversed: list.sort.direction === 'desc',
        })
    );
    const count = useQuery(queries.alertsCount(query));
    const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
    const [excluded, setExcluded] = useState<readonly ListAlert[]>();
    const actions = useViolationActions(state, setExcluded);
    const picked = (alerts.data ?? []).filter((alert) => chosen.has(alert.id));
    const entities = filterEntities(view);
    return (
        <>
            <PageSection type="tabs">
                <Tabs
                    activeKey={state}
                    onSelect={(_event, key) => {
                        setChosen(new Set());
                        setState(states.find((item) => item === key) ?? 'ACTIVE');
                    }}
                    aria-label="Violation states"
                >
                    {states.map((item) => (
                        <Tab key={item} eventKey={item} tabContentId="violations" title={<TabTitleText>{sentence(item)}</TabTitleText>} />
                    ))}
                </Tabs>
            </PageSection>
            <PageSection id="violations" isFilled>
                <Toolbar>
                    <ToolbarContent>
                        <CompoundFilter entities={entities} filter={list.filter} onChange={list.setFilter} />
                    </ToolbarContent>
                    <FilterChips entities={entities} filter={list.filter} onChange={list.setFilter} />
                    <ToolbarContent>
                        <ToolbarItem alignSelf="center">
                            <strong>{count.data === undefined ? 'Counting…' : `${plural(count.data, 'result')} found`}</strong>
                        </ToolbarItem>
                        {actions.offered && (
                            <ToolbarItem>
                                <BulkMenu title="Row actions" isDisabled={picked.length === 0} actions={actions.ofMany(picked, () => setChosen(new Set()))} />
                            </ToolbarItem>
                        )}
                        <ToolbarItem variant="pagination" align={{ default: 'alignEnd' }}>
                            <Paging total={count.data} {...list} />
                        </ToolbarItem>
                    </ToolbarContent>
                </Toolbar>
                <ListTable
                    label="Violations"
                    columns={COLUMNS}
                    rows={alerts.data}
                    error={alerts.error}
                    busy={alerts.isPlaceholderData}
                    rowId={({ id }) => id}
                    rowName={(alert) => `${alert.policy?.name ?? alert.id} on ${entityOf(alert).name}`}
                    filtered={!isEmpty(list.filter)}
                    onClearFilters={() => list.setFilter({})}
                    sort={list.sort}
                    onSort={list.setSort}
                    selected={actions.offered ? chosen : undefined}
                    onSelect={setChosen}
                    selectable={(alert) => actions.ofOne(alert).length > 0}
                    actions={actions.offered ? actions.ofOne : undefined}
                />
                {excluded !== undefined && (
                    <ExcludeQuestion
                        alerts={excluded}
                        onDone={() => {
                            setChosen(new Set());
                            setExcluded(undefined);
                        }}
                        onClose={() => setExcluded(undefined)}
                    />
                )}
            </PageSection>
        </>
    );
}
