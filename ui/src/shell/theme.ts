// Light or dark, kept in this browser; the first choice is the system's.
import { useCallback, useSyncExternalStore } from 'react';

const KEY = 'isDarkMode';
const DARK_CLASS = 'pf-v6-theme-dark';
const listeners = new Set<() => void>();

function preferred(): boolean {
    const stored = localStorage.getItem(KEY);
    return stored === null ? window.matchMedia('(prefers-color-scheme: dark)').matches : stored === 'true';
}

export function applyTheme(): void {
    document.documentElement.classList.toggle(DARK_CLASS, preferred());
}

export function useTheme(): [boolean, () => void] {
    const dark = useSyncExternalStore(
        (listener) => {
            listeners.add(listener);
            return () => listeners.delete(listener);
        },
        preferred
    );
    const toggle = useCallback(() => {
        localStorage.setItem(KEY, String(!preferred()));
        applyTheme();
        listeners.forEach((listener) => listener());
    }, []);
    return [dark, toggle];
}
