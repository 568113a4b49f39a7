// The login token of this browser. Everything that needs it asks here; nothing else touches the storage.
import { connection } from './connection';

const TOKEN = 'access_token';
const REQUESTED = 'requested_location';
const LOGIN = 'login_begun';

type Listener = () => void;
const listeners = new Set<Listener>();
let endedBy: 'expiry' | 'logout' | undefined;

function end(reason: 'expiry' | 'logout'): void {
    const had = session.token() !== null;
    localStorage.removeItem(TOKEN);
    endedBy = reason;
    if (had) {
        listeners.forEach((listener) => listener());
    }
}

export const session = {
    token: (): string | null => localStorage.getItem(TOKEN),
    begin(token: string): void {
        localStorage.setItem(TOKEN, token);
        endedBy = undefined;
        connection.reached();
    },
    /** Called on every 401, and when the token's time is over. */
    expire: (): void => end('expiry'),
    // A password login has no refresh token, so there is nothing that Central could revoke: upstream's
    // /sso/session/logout answers 400 to it (pkg/auth/authproviders/registry_httphandler.go).
    logout: (): void => end('logout'),
    endedBy: () => endedBy,
    /** Calls back when the session ends, in this tab or another one. */
    onEnd(listener: Listener): () => void {
        const onStorage = (event: StorageEvent) => {
            if (event.key === TOKEN && event.newValue === null) {
                endedBy = 'logout';
                listener();
            }
        };
        listeners.add(listener);
        window.addEventListener('storage', onStorage);
        return () => {
            listeners.delete(listener);
            window.removeEventListener('storage', onStorage);
        };
    },
    /** A login elsewhere begins; the state comes back with its answer. */
    beginLogin(): string {
        const state = crypto.randomUUID();
        sessionStorage.setItem(LOGIN, state);
        return state;
    },
    /** Whether a login with this state was begun in this window; only once. */
    takeLogin(state: string): boolean {
        const begun = sessionStorage.getItem(LOGIN);
        sessionStorage.removeItem(LOGIN);
        return begun !== null && begun === state;
    },
    remember: (location: string): void => sessionStorage.setItem(REQUESTED, location),
    /** The address that was asked for before the login, once; only addresses of the portal itself. */
    takeRequested(): string {
        const location = sessionStorage.getItem(REQUESTED);
        sessionStorage.removeItem(REQUESTED);
        return location !== null && /^\/main(\/|$|\?)/.test(location) ? location : '/main/dashboard';
    },
};
