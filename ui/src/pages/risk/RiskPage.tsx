// Deployments by risk, the riskiest first.
import { Button, Icon, PageSection, Toolbar, ToolbarContent, ToolbarItem, Tooltip } from '@patternfly/react-core';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';

import { riskQueries } from '@/api/risk';
import type { DeploymentAtRisk } from '@/api/rest';
import { CompoundFilter, FilterChips } from '@/components/Filter';
import type { Column } from '@/components/ListTable';
import { ListTable } from '@/components/ListTable';
import { PageHead } from '@/components/PageTitle';
import { Paging } from '@/components/Paging';
import { SubNav } from '@/components/SubNav';
import { dateTime, plural } from '@/lib/format';
import { isEmpty, toQuery } from '@/lib/query';
import { useListState, useUrlChoice } from '@/lib/useUrlState';
import { usePermissions } from '@/shell/permissions';

import { FIRST_RISK_VIEW, RISK_ENTITIES, RISK_VIEWS, isAnomalous, priorityText } from './views';

const COLUMNS: readonly Column<DeploymentAtRisk>[] = [
    {
        title: 'Name',
        sortField: 'Deployment',
        width: 35,
        cell: (row) => (
            <span className="rox-inline rox-tight">
                <ProcessIcon anomalous={isAnomalous(row)} />
                <Link to="/main/risk/workloads/$deploymentId" params={{ deploymentId: row.deployment?.id ?? '' }}>
                    {row.deployment?.name}
                </Link>
            </span>
        ),
    },
    { title: 'Created', sortField: 'Created', firstDirection: 'desc', nowrap: true, cell: ({ deployment }) => dateTime(deployment?.created) },
    { title: 'Cluster', sortField: 'Cluster', cell: ({ deployment }) => deployment?.cluster },
    { title: 'Namespace', sortField: 'Namespace', cell: ({ deployment }) => deployment?.namespace },
    { title: 'Priority', sortField: 'Deployment Risk Priority', cell: ({ deployment }) => priorityText(deployment?.priority) },
];
const FIELDS = COLUMNS.flatMap(({ sortField }) => sortField ?? []);

function ProcessIcon({ anomalous }: { anomalous: boolean }) {
    const text = anomalous ? 'Abnormal processes discovered' : 'No abnormal processes discovered';
    return (
        <Tooltip content={text}>
            <span role="img" aria-label={text}>
                <Icon status={anomalous ? 'danger' : 'success'}>{anomalous ? <ExclamationCircleIcon /> : <CheckCircleIcon />}</Icon>
            </span>
        </Tooltip>
    );
}

export default function RiskPage() {
    const keys = RISK_VIEWS.map(({ key }) => key);
    const [key] = useUrlChoice('filteredWorkflowView', keys);
    const view = RISK_VIEWS.find((item) => item.key === key) ?? FIRST_RISK_VIEW;
    const list = useListState(FIELDS, { field: 'Deployment Risk Priority', direction: 'asc' });
    const query = toQuery(list.filter, view.context);
    const deployments = useQuery(
        riskQueries.deployments({
            query,
            limit: list.perPage,
            offset: (list.page - 1) * list.perPage,
            sortField: list.sort.field,
            reversed: list.sort.direction === 'desc',
        })
    );
    const count = useQuery(riskQueries.count(query));
    const { write } = usePermissions();
    const navigate = useNavigate();
    return (
        <>
            <SubNav
                label="Risk views"
                items={RISK_VIEWS.map((item) => ({
                    title: item.nav,
                    to: '/main/risk/workloads',
                    search: item.key === FIRST_RISK_VIEW.key ? {} : { filteredWorkflowView: item.key },
                    active: item.key === view.key,
                }))}
            />
            <PageHead
                title={view.title}
                description="Deployments in the order in which they deserve attention: by violations, vulnerabilities, configuration and activity."
                actions={
                    write('WorkflowAdministration') && (
                        <Button
                            isDisabled={isEmpty(list.filter)}
                            onClick={() => void navigate({ to: '/main/policy-management/policies', search: { action: 'generate', s: list.filter } })}
                        >
                            Create policy
                        </Button>
                    )
                }
            />
            <PageSection isFilled>
                <Toolbar>
                    <ToolbarContent>
                        <CompoundFilter entities={RISK_ENTITIES} filter={list.filter} onChange={list.setFilter} />
                    </ToolbarContent>
                    <FilterChips entities={RISK_ENTITIES} filter={list.filter} onChange={list.setFilter} />
                    <ToolbarContent>
                        <ToolbarItem alignSelf="center">
                            <strong>{count.data === undefined ? 'Counting…' : `${plural(count.data, 'result')} found`}</strong>
                        </ToolbarItem>
                        <ToolbarItem variant="pagination" align={{ default: 'alignEnd' }}>
                            <Paging total={count.data} {...list} />
                        </ToolbarItem>
                    </ToolbarContent>
                </Toolbar>
                <ListTable
                    label="Deployments by risk"
                    columns={COLUMNS}
                    rows={deployments.data}
                    error={deployments.error}
                    busy={deployments.isPlaceholderData}
                    rowId={({ deployment }) => deployment?.id ?? ''}
                    rowName={({ deployment }) => deployment?.name ?? ''}
                    filtered={!isEmpty(list.filter)}
                    onClearFilters={() => list.setFilter({})}
                    sort={list.sort}
                    onSort={list.setSort}
                />
            </PageSection>
        </>
    );
}
