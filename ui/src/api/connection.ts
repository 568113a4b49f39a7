// Whether Central answers at all, as the last requests saw it.

export type ConnectionState = 'reachable' | 'unreachable' | 'recovered';

let state: ConnectionState = 'reachable';
const listeners = new Set<() => void>();

function become(next: ConnectionState): void {
    if (next !== state) {
        state = next;
        listeners.forEach((listener) => listener());
    }
}

export const connection = {
    state: (): ConnectionState => state,
    lost: (): void => become('unreachable'),
    reached: (): void => become(state === 'unreachable' ? 'recovered' : state),
    /** The notice that Central is back has been read. */
    acknowledge: (): void => become(state === 'recovered' ? 'reachable' : state),
    subscribe: (listener: () => void): (() => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
    },
};
