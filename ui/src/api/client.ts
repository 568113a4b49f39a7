// The one place that calls Central over HTTP.
import { connection } from './connection';
import { session } from './session';

// Upstream's portal waits 10 s for REST answers; aggregates over many images may take longer.
const TIMEOUT_MS = 10_000;
const AGGREGATE_TIMEOUT_MS = 60_000;
const GONE = new Set([502, 503, 504]);

export class ApiError extends Error {
    constructor(
        message: string,
        /** The HTTP status, 0 when no answer came. */
        readonly status: number
    ) {
        super(message);
        this.name = 'ApiError';
    }
    get unreachable(): boolean {
        return this.status === 0 || GONE.has(this.status);
    }
}

interface Options {
    params?: Record<string, string | number>;
    body?: unknown;
    signal?: AbortSignal;
    /** True for the login itself, which needs no token and whose 401 means a wrong password. */
    open?: boolean;
}

function address(path: string, params: Options['params']): string {
    const search = new URLSearchParams();
    Object.entries(params ?? {}).forEach(([key, value]) => search.set(key, String(value)));
    const text = search.toString();
    return text === '' ? path : `${path}?${text}`;
}

function messageOf(body: unknown, response: Response): string {
    if (typeof body === 'object' && body !== null) {
        const { message, error_description: description, error } = body as Record<string, unknown>;
        const text = [message, description, error].find((item) => typeof item === 'string' && item !== '');
        if (typeof text === 'string') {
            return text;
        }
    }
    return response.statusText || `Central answered with status ${response.status}`;
}

async function bodyOf(response: Response): Promise<unknown> {
    const text = await response.text();
    try {
        return text === '' ? {} : JSON.parse(text);
    } catch {
        if (response.ok) {
            throw new ApiError('Central sent an answer that is not JSON', response.status);
        }
        return { message: text.trim().slice(0, 500) };
    }
}

async function fetched(method: string, path: string, options: Options): Promise<Response> {
    const token = session.token();
    if (token === null && options.open !== true) {
        // A poll that comes due between logout and the login page.
        throw new ApiError('You are not logged in', 401);
    }
    const timeout = AbortSignal.timeout(path.startsWith('/api/ui/') ? AGGREGATE_TIMEOUT_MS : TIMEOUT_MS);
    try {
        return await fetch(address(path, options.params), {
            method,
            signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
            headers: {
                Accept: 'application/json',
                ...(token !== null && { Authorization: `Bearer ${token}` }),
                ...(options.body !== undefined && { 'Content-Type': 'application/json' }),
            },
            body: options.body === undefined ? undefined : JSON.stringify(options.body),
        });
    } catch (cause) {
        if (options.signal?.aborted) {
            throw cause;
        }
        connection.lost();
        throw new ApiError(timeout.aborted ? 'Central did not answer in time' : 'Central cannot be reached', 0);
    }
}

/** An answer that is none of an error. */
async function answered(method: string, path: string, options: Options): Promise<Response> {
    const response = await fetched(method, path, options);
    if (GONE.has(response.status)) {
        connection.lost();
    } else {
        connection.reached();
    }
    if (response.ok) {
        return response;
    }
    const body = await bodyOf(response);
    if (response.status === 401 && options.open !== true) {
        session.expire();
    }
    throw new ApiError(messageOf(body, response), response.status);
}

export async function request<Answer>(method: string, path: string, options: Options = {}): Promise<Answer> {
    return (await bodyOf(await answered(method, path, options))) as Answer;
}

/** A file; errors are those of `request`. */
export async function file(method: string, path: string, options: Options = {}): Promise<Blob> {
    return (await answered(method, path, options)).blob();
}

export function get<Answer>(path: string, params?: Options['params'], signal?: AbortSignal): Promise<Answer> {
    return request<Answer>('GET', path, { params, signal });
}

/** The text that an error shows to the user. */
export function errorText(error: unknown): string {
    if (error instanceof ApiError && error.status === 403) {
        return 'Please check that your role has the required permissions.';
    }
    return error instanceof Error ? error.message : 'An unknown error has occurred';
}
