// The list of secured clusters.
import { EmptyState, EmptyStateBody, PageSection, Toolbar, ToolbarContent, ToolbarItem } from '@patternfly/react-core';
import PlusCircleIcon from '@patternfly/react-icons/dist/esm/icons/plus-circle-icon';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import { queries } from '@/api/queries';
import type { Cluster } from '@/api/rest';
import { CompoundFilter, FilterChips } from '@/components/Filter';
import type { FilterEntity } from '@/components/Filter';
import { HealthLabel } from '@/components/Health';
import type { Column } from '@/components/ListTable';
import { ListTable } from '@/components/ListTable';
import { PageHead } from '@/components/PageTitle';
import { plural } from '@/lib/format';
import { isEmpty, toQuery } from '@/lib/query';
import { useListState } from '@/lib/useUrlState';

import { Expiry } from './Expiry';
import { managerText, providerText, sensorText, typeText } from './words';

const ENTITIES: readonly FilterEntity[] = [
    {
        label: 'Cluster',
        attributes: [
            { field: 'Cluster', label: 'Name', suggest: 'CLUSTERS' },
            {
                field: 'Cluster Status',
                label: 'Status',
                options: ['HEALTHY', 'DEGRADED', 'UNHEALTHY', 'UNAVAILABLE', 'UNINITIALIZED'].map((value) => ({
                    value,
                    label: value.charAt(0) + value.slice(1).toLowerCase(),
                })),
            },
        ],
    },
];

const COLUMNS: readonly Column<Cluster>[] = [
    {
        title: 'Cluster',
        width: 20,
        cell: ({ id, name, managedBy, type }) => (
            <>
                <Link to="/main/clusters/$clusterId" params={{ clusterId: id }}>
                    {name}
                </Link>
                <div className="rox-subtle">{`${typeText(type)}, managed by ${managerText(managedBy)}`}</div>
            </>
        ),
    },
    { title: 'Provider (Region)', cell: providerText },
    {
        title: 'Cluster status',
        width: 25,
        cell: ({ healthStatus: health }) => (
            <>
                <HealthLabel health={health?.overallHealthStatus} />
                <small className="rox-labels">
                    <HealthLabel prefix="Sensor" health={health?.sensorHealthStatus} />
                    <HealthLabel prefix="Collector" health={health?.collectorHealthStatus} />
                    <HealthLabel prefix="Admission control" health={health?.admissionControlHealthStatus} />
                    <HealthLabel prefix="Scanner" health={health?.scannerHealthStatus} />
                </small>
            </>
        ),
    },
    { title: 'Sensor', cell: sensorText },
    { title: 'Credential expiration', nowrap: true, cell: (cluster) => <Expiry cluster={cluster} /> },
];

export default function ClustersPage() {
    const list = useListState([], { field: 'Cluster', direction: 'asc' });
    const query = toQuery(list.filter);
    const result = useQuery(queries.clusters(query));
    const filtered = !isEmpty(list.filter);
    return (
        <>
            <PageHead title="Clusters" description="The clusters that send what they see to Central." />
            <PageSection isFilled>
                {result.data?.length === 0 && !filtered ? (
                    <NoClusters />
                ) : (
                    <>
                        <Toolbar>
                            <ToolbarContent>
                                <CompoundFilter entities={ENTITIES} filter={list.filter} onChange={list.setFilter} />
                            </ToolbarContent>
                            <FilterChips entities={ENTITIES} filter={list.filter} onChange={list.setFilter} />
                            <ToolbarContent>
                                <ToolbarItem alignSelf="center">
                                    <strong>{result.data === undefined ? 'Counting…' : `${plural(result.data.length, 'result')} found`}</strong>
                                </ToolbarItem>
                            </ToolbarContent>
                        </Toolbar>
                        <ListTable
                            label="Clusters"
                            columns={COLUMNS}
                            rows={result.data}
                            error={result.error}
                            busy={result.isPlaceholderData}
                            rowId={({ id }) => id}
                            rowName={({ name }) => name}
                            filtered={filtered}
                            onClearFilters={() => list.setFilter({})}
                        />
                    </>
                )}
            </PageSection>
        </>
    );
}

function NoClusters() {
    return (
        <EmptyState headingLevel="h2" icon={PlusCircleIcon} titleText="No cluster is secured yet">
            <EmptyStateBody>
                Create an init bundle with <code>roxctl central init-bundles generate</code>, apply it to the cluster, and
                install the secured cluster services there. The cluster appears here as soon as its Sensor connects.
            </EmptyStateBody>
        </EmptyState>
    );
}
