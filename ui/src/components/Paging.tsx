import { Pagination } from '@patternfly/react-core';

import type { ListState } from '@/lib/useUrlState';
import { PER_PAGE } from '@/lib/useUrlState';

type Props = Pick<ListState, 'page' | 'perPage' | 'setPage' | 'setPerPage'> & { total: number | undefined };

export function Paging({ total, page, perPage, setPage, setPerPage }: Props) {
    return (
        <Pagination
            isCompact
            itemCount={total ?? 0}
            page={page}
            perPage={perPage}
            perPageOptions={PER_PAGE.map((value) => ({ title: String(value), value }))}
            onSetPage={(_event, next) => setPage(next)}
            onPerPageSelect={(_event, next) => setPerPage(next)}
            isDisabled={total === undefined}
        />
    );
}
