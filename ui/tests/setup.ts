// Every unit test starts with an empty browser and a fetch that answers from the development data.
import { cleanup } from '@testing-library/react';
import { afterEach, beforeEach, vi } from 'vitest';

import { reply } from '../dev/fake-central';
import { connection } from '../src/api/connection';

class Observer {
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
}

export async function fakeFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const url = input instanceof Request ? input.url : String(input);
    const headers = new Headers(init?.headers);
    const answer = reply(init?.method ?? 'GET', url, headers.get('Authorization') ?? undefined, typeof init?.body === 'string' ? init.body : '');
    return Promise.resolve(new Response(JSON.stringify(answer.body), { status: answer.status }));
}

beforeEach(() => {
    localStorage.clear();
    sessionStorage.clear();
    vi.stubGlobal('fetch', vi.fn(fakeFetch));
    vi.stubGlobal('ResizeObserver', Observer);
    vi.stubGlobal('scrollTo', () => undefined);
    vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined, removeEventListener: () => undefined }));
});

afterEach(() => {
    cleanup();
    connection.reached();
    connection.acknowledge();
    vi.unstubAllGlobals();
});
