// The first page: counts, and what needs attention first.
import { FormSelect, FormSelectOption, Grid, GridItem, PageSection, Toolbar, ToolbarContent, ToolbarItem } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { queries } from '@/api/queries';
import type { Dashboard } from '@/api/ui';
import { PageHead } from '@/components/PageTitle';
import { WithData } from '@/components/States';
import { dateTime } from '@/lib/format';
import type { SearchFilter } from '@/lib/query';
import { exactly, toQuery, without } from '@/lib/query';
import { useListState } from '@/lib/useUrlState';
import { usePermissions } from '@/shell/permissions';

import { AgingImages, DeploymentsAtRisk, ImagesAtRisk } from './RiskWidgets';
import { ViolationsByCategory, ViolationsBySeverity } from './ViolationWidgets';
import { WidgetCard } from './WidgetCard';

export default function DashboardPage() {
    const { filter, setFilter } = useListState([], { field: '', direction: 'asc' });
    const scope: SearchFilter = Object.fromEntries(Object.entries(filter).filter(([field]) => field === 'Cluster' || field === 'Namespace'));
    const query = toQuery(scope);
    const result = useQuery(queries.dashboard(query));
    const { read } = usePermissions();
    return (
        <>
            <PageHead
                title="Dashboard"
                description="Review security metrics across all or select resources"
                actions={
                    <span className="rox-subtle">
                        {result.dataUpdatedAt > 0 && `Last updated ${dateTime(new Date(result.dataUpdatedAt).toISOString())}`}
                    </span>
                }
            />
            <PageSection>
                <WithData result={result}>{(data) => <Counts counts={data.counts} />}</WithData>
            </PageSection>
            <PageSection>
                {read('Cluster') && <ScopeBar filter={scope} onChange={setFilter} />}
                <Grid hasGutter>
                    {read('Alert') && (
                        <>
                            <GridItem xl={6}>
                                <ViolationsBySeverity scope={scope} />
                            </GridItem>
                            <GridItem xl={6}>
                                <ViolationsByCategory scope={scope} />
                            </GridItem>
                        </>
                    )}
                    <GridItem xl={6}>
                        <Widget title="Images at most risk" result={result} pick={(data) => data.imagesAtMostRisk} to="/main/vulnerabilities/all-images" search={{ entityTab: 'Image' }}>
                            {(images) => <ImagesAtRisk images={images} />}
                        </Widget>
                    </GridItem>
                    <GridItem xl={6}>
                        <Widget title="Deployments at most risk" result={result} pick={(data) => data.deploymentsAtMostRisk} to="/main/vulnerabilities/user-workloads" search={{ entityTab: 'Deployment' }}>
                            {(deployments) => <DeploymentsAtRisk deployments={deployments} />}
                        </Widget>
                    </GridItem>
                    <GridItem xl={6}>
                        <Widget title="Aging images" result={result} pick={(data) => data.imageAges} to="/main/vulnerabilities/all-images" search={{ entityTab: 'Image', sortOption: { field: 'created', direction: 'asc' } }}>
                            {(bands) => <AgingImages bands={bands} />}
                        </Widget>
                    </GridItem>
                </Grid>
            </PageSection>
        </>
    );
}

const TILES: readonly [keyof Dashboard['counts'], string, string | undefined, Record<string, unknown>?][] = [
    ['clusters', 'Clusters', '/main/clusters'],
    ['nodes', 'Nodes', undefined],
    ['violations', 'Violations', '/main/violations', { filteredWorkflowView: 'Full view' }],
    ['deployments', 'Deployments', '/main/vulnerabilities/user-workloads', { entityTab: 'Deployment' }],
    ['images', 'Images', '/main/vulnerabilities/all-images', { entityTab: 'Image' }],
    ['secrets', 'Secrets', undefined],
];

function Counts({ counts }: { counts: Dashboard['counts'] }) {
    return (
        <div className="rox-tiles">
            {TILES.map(([key, title, to, search]) => {
                const count = counts[key];
                if (count === null) {
                    return null;
                }
                const text = (
                    <>
                        <strong>{count.toLocaleString('en-US')}</strong> {title}
                    </>
                );
                return to === undefined ? (
                    <div key={key} className="rox-tile">
                        {text}
                    </div>
                ) : (
                    <Link key={key} to={to} search={search} className="rox-tile">
                        {text}
                    </Link>
                );
            })}
        </div>
    );
}

function ScopeBar({ filter, onChange }: { filter: SearchFilter; onChange: (filter: SearchFilter) => void }) {
    const { data: clusters } = useQuery(queries.scopeClusters());
    const { data: namespaces } = useQuery(queries.namespaces());
    const plain = (field: string) => (filter[field]?.[0] ?? '').replaceAll('"', '');
    const cluster = plain('Cluster');
    const names = [
        ...new Set((namespaces ?? []).filter(({ metadata }) => cluster === '' || metadata?.clusterName === cluster).map(({ metadata }) => metadata?.name ?? '')),
    ].sort();
    return (
        <Toolbar>
            <ToolbarContent>
                <ToolbarItem alignSelf="center">
                    <strong>Resources:</strong>
                </ToolbarItem>
                <ToolbarItem>
                    <FormSelect aria-label="Cluster" value={cluster} onChange={(_event, value) => onChange(value === '' ? {} : exactly('Cluster', value))}>
                        <FormSelectOption value="" label="All clusters" />
                        {(clusters ?? []).map(({ id, name }) => (
                            <FormSelectOption key={id} value={name} label={name} />
                        ))}
                    </FormSelect>
                </ToolbarItem>
                <ToolbarItem>
                    <FormSelect
                        aria-label="Namespace"
                        value={plain('Namespace')}
                        onChange={(_event, value) => {
                            const rest = without(filter, 'Namespace');
                            onChange(value === '' ? rest : { ...rest, ...exactly('Namespace', value) });
                        }}
                    >
                        <FormSelectOption value="" label="All namespaces" />
                        {names.map((name) => (
                            <FormSelectOption key={name} value={name} label={name} />
                        ))}
                    </FormSelect>
                </ToolbarItem>
            </ToolbarContent>
        </Toolbar>
    );
}

interface WidgetProps<Part> {
    title: string;
    result: ReturnType<typeof useQuery<Dashboard>>;
    pick: (data: Dashboard) => Part | null;
    to: string;
    search: Record<string, unknown>;
    children: (part: Part) => ReactNode;
}

/** A card over a part of the dashboard's answer; nothing when the user may not read that part. */
function Widget<Part>({ title, result, pick, to, search, children }: WidgetProps<Part>) {
    if (result.data !== undefined && pick(result.data) === null) {
        return null;
    }
    return (
        <WidgetCard title={title} link={<Link to={to} search={search} aria-label={`View all: ${title}`}>View all</Link>}>
            <WithData result={result}>
                {(data) => {
                    const part = pick(data);
                    return part === null ? null : children(part);
                }}
            </WithData>
        </WidgetCard>
    );
}
