// A Vite plugin that answers the portal's requests from made-up data. A development tool: Central never sees it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'vite';

import { GET_ANSWERS } from './answers.ts';
import { alerts } from './data.ts';
import { policies, policyReply } from './policies.ts';
import { baselineReply } from './risk.ts';

export const FAKE_PASSWORD = 'letmein';
const TOKEN = 'fake-token';
const PROVIDER = { id: '4df1b98c-24ed-4073-a9ad-356aec6bb62d', name: 'Login with username/password', type: 'basic', loginUrl: '/sso/login/4df1b98c-24ed-4073-a9ad-356aec6bb62d' };

export interface Reply {
    status: number;
    body: unknown;
}
const fail = (status: number, code: number, message: string): Reply => ({ status, body: { code, message, details: [], error: message } });

function open(method: string, path: string, body: string): Reply | undefined {
    if (method === 'GET' && path === '/v1/login/authproviders') {
        return { status: 200, body: { authProviders: [PROVIDER] } };
    }
    if (method === 'GET' && path === '/v1/config/public') {
        return { status: 200, body: { loginNotice: null, header: null, footer: null, telemetry: null } };
    }
    if (method === 'POST' && path === '/v1/authProviders/exchangeToken') {
        const { external_token: external } = JSON.parse(body) as { external_token: string };
        const given = new URLSearchParams(external);
        return given.get('username') === 'admin' && given.get('password') === FAKE_PASSWORD
            ? { status: 200, body: { token: TOKEN, clientState: '', test: false, user: null } }
            : fail(401, 16, 'credentials not found: invalid username or password');
    }
    return undefined;
}

function change(method: string, path: string, body: string): Reply | undefined {
    const policy = policies.find(({ id }) => path === `/v1/policies/${id}`);
    if (method === 'PATCH' && policy !== undefined) {
        policy.disabled = (JSON.parse(body) as { disabled: boolean }).disabled;
        return { status: 200, body: {} };
    }
    const alert = alerts.find(({ id }) => path === `/v1/alerts/${id}/resolve`);
    if (method === 'PATCH' && alert !== undefined) {
        alert.state = 'RESOLVED';
        return { status: 200, body: {} };
    }
    return undefined;
}

function read(path: string, params: URLSearchParams): Reply | undefined {
    for (const [pattern, answer] of GET_ANSWERS) {
        const match = new RegExp(`^${pattern.replace(':id', '([^/]+)')}$`).exec(path);
        if (match !== null) {
            const body = answer(params, decodeURIComponent(match[1] ?? ''));
            return body === undefined ? fail(404, 5, 'not found') : { status: 200, body };
        }
    }
    return undefined;
}

/** The answer to one request; everything but the login needs the token. */
export function reply(method: string, url: string, authorization: string | undefined, body: string): Reply {
    const { pathname, searchParams } = new URL(url, 'http://fake');
    const free = open(method, pathname, body);
    if (free !== undefined) {
        return free;
    }
    if (authorization !== `Bearer ${TOKEN}`) {
        return fail(401, 16, 'credentials not found');
    }
    const special = policyReply(method, pathname, body) ?? baselineReply(method, pathname, body);
    return special ?? (method === 'GET' ? read(pathname, searchParams) : change(method, pathname, body)) ?? fail(404, 5, 'Not Found');
}

function handle(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    const url = request.url ?? '/';
    if (!/^\/(v1|v2|api|sso)\//.test(url)) {
        next();
        return;
    }
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
        const answer = reply(request.method ?? 'GET', url, request.headers.authorization, body);
        const isText = typeof answer.body === 'string';
        response.writeHead(answer.status, { 'Content-Type': isText ? 'text/csv' : 'application/json' });
        response.end(isText ? answer.body : JSON.stringify(answer.body));
    });
}

export function fakeCentral(): Plugin {
    return {
        name: 'fake-central',
        configureServer: (server) => void server.middlewares.use(handle),
        configurePreviewServer: (server) => void server.middlewares.use(handle),
    };
}
