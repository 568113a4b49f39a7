// Notices at the top right: success goes by itself, danger stays until it is closed.
import { Alert, AlertActionCloseButton, AlertGroup } from '@patternfly/react-core';
import { useSyncExternalStore } from 'react';

interface Toast {
    id: number;
    variant: 'success' | 'danger';
    title: string;
}

let toasts: readonly Toast[] = [];
let next = 0;
const listeners = new Set<() => void>();

function set(list: readonly Toast[]): void {
    toasts = list;
    listeners.forEach((listener) => listener());
}

export function notify(variant: Toast['variant'], title: string): void {
    next += 1;
    set([...toasts.slice(-4), { id: next, variant, title }]);
}

function close(id: number): void {
    set(toasts.filter((toast) => toast.id !== id));
}

function subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

export function Toasts() {
    const list = useSyncExternalStore(subscribe, () => toasts);
    return (
        <AlertGroup isToast isLiveRegion aria-label="Notices">
            {list.map(({ id, variant, title }) => (
                <Alert
                    key={id}
                    component="p"
                    variant={variant}
                    title={title}
                    timeout={variant === 'success' ? 6000 : undefined}
                    onTimeout={() => close(id)}
                    actionClose={<AlertActionCloseButton title={title} onClose={() => close(id)} />}
                />
            ))}
        </AlertGroup>
    );
}
