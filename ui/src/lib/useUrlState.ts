// The state of a page that lives in its address: filter, sorting, paging and tabs.
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

import type { SearchFilter } from './query';
import { filterFromUrl } from './query';
import type { UrlSearch } from './urlSearch';

export interface Sort {
    field: string;
    direction: 'asc' | 'desc';
}

type Changes = Record<string, unknown>;

/** Reads the address loosely and writes changes to it; an undefined value takes the key out. */
export function useUrlSearch(): [UrlSearch, (changes: Changes, replace?: boolean) => void] {
    const search: unknown = useSearch({ strict: false });
    const navigate = useNavigate();
    const change = useCallback(
        (changes: Changes, replace = false) => {
            void navigate({
                to: '.',
                search: ((before: Changes) => ({ ...before, ...changes })),
                replace,
                resetScroll: false,
            });
        },
        [navigate]
    );
    return [search as UrlSearch, change];
}

/** One of a closed set of strings; anything else in the address is the default. */
export function useUrlChoice<Choice extends string>(
    key: string,
    choices: readonly Choice[]
): [Choice, (choice: Choice) => void] {
    const [search, change] = useUrlSearch();
    const fallback = choices[0] as Choice;
    const choice = choices.find((item) => item === search[key]) ?? fallback;
    const set = useCallback(
        (next: Choice) => change({ [key]: next === fallback ? undefined : next, page: undefined }),
        [change, fallback, key]
    );
    return [choice, set];
}

function positive(value: unknown, fallback: number, most: number): number {
    const number = typeof value === 'string' && /^\d{1,7}$/.test(value) ? Number(value) : NaN;
    return number >= 1 ? Math.min(number, most) : fallback;
}

export interface ListState {
    filter: SearchFilter;
    hasFilterInUrl: boolean;
    setFilter: (filter: SearchFilter, replace?: boolean) => void;
    sort: Sort;
    setSort: (sort: Sort) => void;
    page: number;
    perPage: number;
    setPage: (page: number) => void;
    setPerPage: (perPage: number) => void;
}

export const PER_PAGE = [10, 20, 50, 100];
// The lists' limit in Central is 1,000; a page of the portal is never longer than this.
const MOST_PER_PAGE = 100;

export function useListState(fields: readonly string[], defaultSort: Sort, defaultPerPage = 20): ListState {
    const [search, change] = useUrlSearch();
    const filter = useMemo(() => filterFromUrl(search['s']), [search]);
    const option = search['sortOption'];
    const { field, direction } =
        typeof option === 'object' && !Array.isArray(option) ? option : { field: undefined, direction: undefined };
    const sort: Sort =
        typeof field === 'string' && fields.includes(field)
            ? { field, direction: direction === 'asc' ? 'asc' : 'desc' }
            : defaultSort;
    const perPage = positive(search['perPage'], defaultPerPage, MOST_PER_PAGE);
    return {
        filter,
        hasFilterInUrl: search['s'] !== undefined,
        setFilter: (next, replace) =>
            change({ s: Object.keys(next).length === 0 ? undefined : next, page: undefined }, replace),
        sort,
        setSort: (next) => change({ sortOption: next, page: undefined }),
        page: positive(search['page'], 1, 1_000_000),
        perPage,
        setPage: (page) => change({ page: page === 1 ? undefined : page }),
        setPerPage: (next) => change({ perPage: next === defaultPerPage ? undefined : next, page: undefined }),
    };
}
