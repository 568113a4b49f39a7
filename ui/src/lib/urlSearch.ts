// The search part of an address as nested values, in upstream's form:
// `?s[Severity][0]=HIGH_SEVERITY&sortOption[field]=Policy&page=2`. Values are always strings.

export type UrlValue = string | UrlValue[] | { [key: string]: UrlValue };
export type UrlSearch = { [key: string]: UrlValue };

// Addresses come from outside: more is cut off, not parsed.
const MAX_PAIRS = 500;
const MAX_DEPTH = 5;
const MAX_INDEX = 200;

function decode(text: string): string {
    try {
        return decodeURIComponent(text.replace(/\+/g, ' '));
    } catch {
        return text;
    }
}

function pathOf(rawKey: string): string[] {
    const key = decode(rawKey);
    const start = key.indexOf('[');
    if (start <= 0) {
        return [key];
    }
    const inner = [...key.slice(start).matchAll(/\[([^\]]*)\]/g)].map((match) => match[1] ?? '');
    return [key.slice(0, start), ...inner].slice(0, MAX_DEPTH);
}

type Tree = Map<string, Tree | string>;

function put(tree: Tree, path: string[], value: string): void {
    const [head = '', ...rest] = path;
    const key = head === '' ? String(tree.size) : head;
    if (rest.length === 0) {
        tree.set(key, value);
        return;
    }
    let child = tree.get(key);
    if (!(child instanceof Map)) {
        child = new Map();
        tree.set(key, child);
    }
    put(child, rest, value);
}

function toValue(tree: Tree | string): UrlValue {
    if (typeof tree === 'string') {
        return tree;
    }
    const entries = [...tree.entries()];
    const isList = entries.length > 0 && entries.every(([key]) => /^\d+$/.test(key) && Number(key) < MAX_INDEX);
    if (isList) {
        return entries.sort((a, b) => Number(a[0]) - Number(b[0])).map(([, value]) => toValue(value));
    }
    return Object.fromEntries(entries.map(([key, value]) => [key, toValue(value)]));
}

export function parseUrlSearch(text: string): UrlSearch {
    const tree: Tree = new Map();
    const pairs = text.replace(/^\?/, '').split('&').filter(Boolean).slice(0, MAX_PAIRS);
    for (const pair of pairs) {
        const at = pair.indexOf('=');
        const key = at < 0 ? pair : pair.slice(0, at);
        put(tree, pathOf(key), at < 0 ? '' : decode(pair.slice(at + 1)));
    }
    return Object.fromEntries([...tree.entries()].map(([key, value]) => [key, toValue(value)]));
}

// Brackets stay readable, as upstream writes them; everything that would end a pair is encoded.
function encode(text: string): string {
    return encodeURIComponent(text).replace(/%5B/g, '[').replace(/%5D/g, ']').replace(/%3A/g, ':').replace(/%2F/g, '/');
}

function flatten(prefix: string, value: unknown, out: string[]): void {
    if (value === undefined || value === null) {
        return;
    }
    if (Array.isArray(value)) {
        value.forEach((item, index) => flatten(`${prefix}[${index}]`, item, out));
    } else if (typeof value === 'object') {
        Object.entries(value).forEach(([key, item]) => flatten(`${prefix}[${key}]`, item, out));
    } else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
        out.push(`${encode(prefix)}=${encode(String(value))}`);
    }
}

export function stringifyUrlSearch(search: Record<string, unknown>): string {
    const out: string[] = [];
    Object.entries(search).forEach(([key, value]) => flatten(key, value, out));
    return out.length === 0 ? '' : `?${out.join('&')}`;
}
