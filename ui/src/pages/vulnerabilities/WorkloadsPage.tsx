// Results over all workloads: by CVE, image or deployment.
import { PageSection, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';

import { queries } from '@/api/queries';
import type { EntityCounts } from '@/api/ui';
import { PageHead } from '@/components/PageTitle';
import { plural } from '@/lib/format';
import { toQuery } from '@/lib/query';
import { useListState, useUrlSearch } from '@/lib/useUrlState';

import { FilterBar } from './FilterBar';
import { Frame, useView } from './Frame';
import { CveTable, DeploymentTable, ImageTable } from './tables';
import type { View } from './views';
import { BY_SEVERITY, DEFAULT_FILTER, OVERVIEW_ENTITIES } from './views';

export default function WorkloadsPage() {
    const view = useView();
    return (
        <Frame>
            <PageHead title={view.title} description={view.description} />
            <Results key={view.path} view={view} />
        </Frame>
    );
}

const TABS = ['CVE', 'Image', 'Deployment'] as const;
const TABLES = { CVE: CveTable, Image: ImageTable, Deployment: DeploymentTable };

function Results({ view }: { view: View }) {
    const list = useListState([], BY_SEVERITY);
    const [search, change] = useUrlSearch();
    const tab = TABS.find((item) => item === search['entityTab']) ?? 'CVE';
    const counts = useQuery(queries.entityCounts(toQuery(list.filter, view.base)));
    const Table = TABLES[tab];
    const firstVisit = Object.keys(search).length === 0;
    useEffect(() => {
        if (firstVisit) {
            change({ s: DEFAULT_FILTER, entityTab: 'CVE' }, true);
        }
    }, [change, firstVisit]);
    if (firstVisit) {
        return null;
    }
    return (
        <PageSection isFilled>
            <FilterBar entities={OVERVIEW_ENTITIES} filter={list.filter} onChange={list.setFilter} />
            <ToggleGroup aria-label="Kind of results">
                {TABS.map((item) => (
                    <ToggleGroupItem
                        key={item}
                        buttonId={`tab-${item}`}
                        text={tabText(item, counts.data)}
                        isSelected={item === tab}
                        onChange={() => change({ entityTab: item, sortOption: undefined, page: undefined })}
                    />
                ))}
            </ToggleGroup>
            <Table view={view} base={view.base} />
        </PageSection>
    );
}

function tabText(tab: (typeof TABS)[number], counts: EntityCounts | undefined): string {
    if (counts === undefined) {
        return `${tab}s`;
    }
    const count = { CVE: counts.cves, Image: counts.images, Deployment: counts.deployments }[tab];
    return plural(count, tab);
}
