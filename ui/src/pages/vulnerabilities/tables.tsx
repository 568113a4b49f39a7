// Tables of CVEs, images and deployments under a filter, each with its own paging.
import { Toolbar, ToolbarContent, ToolbarItem } from '@patternfly/react-core';
import type { UseQueryResult } from '@tanstack/react-query';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import type { UiList } from '@/api/queries';
import { queries } from '@/api/queries';
import type { Page } from '@/api/ui';
import type { Column } from '@/components/ListTable';
import { ListTable } from '@/components/ListTable';
import { Paging } from '@/components/Paging';
import { plural } from '@/lib/format';
import type { SearchFilter } from '@/lib/query';
import { isEmpty, toQuery } from '@/lib/query';
import type { ListState } from '@/lib/useUrlState';
import { useListState } from '@/lib/useUrlState';

import { CVE_SORTS, DEPLOYMENT_SORTS, IMAGE_SORTS, cveColumns, deploymentColumns, imageColumns } from './columns';
import type { View } from './views';
import { BY_SEVERITY, shownRanks, sortParam } from './views';

interface Props {
    view: View;
    /** Terms that hold on this page whatever the user filters by. */
    base: SearchFilter;
}

export function listParams(list: ListState, base: SearchFilter): UiList {
    return {
        query: toQuery(list.filter, base),
        limit: list.perPage,
        offset: (list.page - 1) * list.perPage,
        sort: sortParam(list.sort),
    };
}

interface PagedProps<Row> {
    label: string;
    noun: [one: string, many: string];
    result: UseQueryResult<Page<Row>>;
    list: ListState;
    columns: readonly Column<Row>[];
    rowId: (row: Row) => string;
    rowName: (row: Row) => string;
    expanded?: (row: Row) => ReactNode;
}

export function PagedTable<Row>({ label, noun, result, list, columns, rowId, rowName, expanded }: PagedProps<Row>) {
    const total = result.data?.total;
    return (
        <>
            <Toolbar>
                <ToolbarContent>
                    <ToolbarItem alignSelf="center">
                        <strong>{total === undefined ? 'Counting…' : `${plural(total, ...noun)} found`}</strong>
                    </ToolbarItem>
                    <ToolbarItem variant="pagination" align={{ default: 'alignEnd' }}>
                        <Paging total={total} {...list} />
                    </ToolbarItem>
                </ToolbarContent>
            </Toolbar>
            <ListTable
                label={label}
                columns={columns}
                rows={result.data?.items}
                error={result.error}
                busy={result.isPlaceholderData}
                rowId={rowId}
                rowName={rowName}
                filtered={!isEmpty(list.filter)}
                onClearFilters={() => list.setFilter({})}
                sort={list.sort}
                onSort={list.setSort}
                expanded={expanded}
            />
        </>
    );
}

export function CveTable({ view, base }: Props) {
    const list = useListState(CVE_SORTS, BY_SEVERITY);
    const result = useQuery(queries.cves(listParams(list, base)));
    return (
        <PagedTable
            label="CVEs"
            noun={['CVE', 'CVEs']}
            result={result}
            list={list}
            columns={cveColumns(view, shownRanks(list.filter))}
            rowId={({ cve }) => cve}
            rowName={({ cve }) => cve}
            expanded={({ summary }) => summary || 'No summary is known.'}
        />
    );
}

export function ImageTable({ view, base }: Props) {
    const list = useListState(IMAGE_SORTS, BY_SEVERITY);
    const result = useQuery(queries.images(listParams(list, base)));
    return (
        <PagedTable
            label="Images"
            noun={['image', 'images']}
            result={result}
            list={list}
            columns={imageColumns(view, shownRanks(list.filter))}
            rowId={({ id }) => id}
            rowName={({ name }) => name}
        />
    );
}

export function DeploymentTable({ view, base }: Props) {
    const list = useListState(DEPLOYMENT_SORTS, BY_SEVERITY);
    const result = useQuery(queries.vulnerableDeployments(listParams(list, base)));
    return (
        <PagedTable
            label="Deployments"
            noun={['deployment', 'deployments']}
            result={result}
            list={list}
            columns={deploymentColumns(view, shownRanks(list.filter))}
            rowId={({ id }) => id}
            rowName={({ name }) => name}
        />
    );
}
