// Filters of a page and the query strings that Central's search language reads.
import type { UrlValue } from './urlSearch';

/** Search field to the values that any of which must hold. */
export type SearchFilter = Record<string, string[]>;

/** Fields whose values are names of an enumeration, booleans or numbers: sent as they are. */
const VERBATIM = new Set([
    'Severity', 'Fixable', 'Platform Component', 'Violation State', 'Lifecycle Stage', 'Entity Type', 'CVSS',
    'EPSS Probability', 'Enforcement', 'Disabled', 'CISA KEV', 'Violation Time', 'Image CVE Count',
]);

function quoted(value: string): string {
    return `"${value.replaceAll('"', '')}"`;
}

/** One value in the search language: text matches anywhere, text in double quotes exactly. */
export function queryValue(field: string, value: string): string {
    if (VERBATIM.has(field)) {
        return value;
    }
    if (/^".*"$/.test(value)) {
        return quoted(value);
    }
    // A comma, plus or colon would end the value; only quotes protect it, and then it is exact.
    return /[,+:"]/.test(value) ? quoted(value) : `r/${value}`;
}

export function toQuery(...filters: SearchFilter[]): string {
    const merged: SearchFilter = Object.assign({}, ...filters) as SearchFilter;
    return Object.entries(merged)
        .filter(([, values]) => values.length > 0)
        .map(([field, values]) => `${field}:${values.map((value) => queryValue(field, value)).join(',')}`)
        .join('+');
}

/** An exact term, for links from one object to another. */
export function exactly(field: string, value: string): SearchFilter {
    return { [field]: [quoted(value)] };
}

/** The filter in the address; whatever else stands there is ignored. */
export function filterFromUrl(value: UrlValue | undefined): SearchFilter {
    if (value === undefined || typeof value === 'string' || Array.isArray(value)) {
        return {};
    }
    const entries = Object.entries(value).map(([field, items]): [string, string[]] => {
        const list = Array.isArray(items) ? items : [items];
        return [field, list.filter((item): item is string => typeof item === 'string' && item !== '')];
    });
    return Object.fromEntries(entries.filter(([, items]) => items.length > 0));
}

export function withValue(filter: SearchFilter, field: string, value: string): SearchFilter {
    const present = filter[field] ?? [];
    return present.includes(value) ? filter : { ...filter, [field]: [...present, value] };
}

export function without(filter: SearchFilter, field: string): SearchFilter {
    return Object.fromEntries(Object.entries(filter).filter(([key]) => key !== field));
}

export function withoutValue(filter: SearchFilter, field: string, value: string): SearchFilter {
    const rest = (filter[field] ?? []).filter((item) => item !== value);
    return rest.length === 0 ? without(filter, field) : { ...filter, [field]: rest };
}

export function withToggled(filter: SearchFilter, field: string, value: string): SearchFilter {
    return (filter[field] ?? []).includes(value) ? withoutValue(filter, field, value) : withValue(filter, field, value);
}

export function isEmpty(filter: SearchFilter): boolean {
    return Object.values(filter).every((values) => values.length === 0);
}

export interface RestList {
    query: string;
    limit: number;
    offset: number;
    sortField?: string;
    reversed?: boolean;
}

/** Parameters of a /v1 list in the gateway's dot notation. */
export function restListParams({ query, limit, offset, sortField, reversed }: RestList): Record<string, string> {
    const params: Record<string, string> = { 'pagination.limit': String(limit), 'pagination.offset': String(offset) };
    if (query !== '') {
        params['query'] = query;
    }
    if (sortField !== undefined) {
        params['pagination.sortOption.field'] = sortField;
        params['pagination.sortOption.reversed'] = String(reversed ?? false);
    }
    return params;
}
