// Choices of this browser's user, kept in the local storage.
import { useCallback, useState } from 'react';

export function readStored<Value>(key: string, fallback: Value, valid: (value: unknown) => value is Value): Value {
    try {
        const value: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
        return valid(value) ? value : fallback;
    } catch {
        return fallback;
    }
}

export function useStored<Value>(
    key: string,
    fallback: Value,
    valid: (value: unknown) => value is Value
): [Value, (value: Value) => void] {
    const [value, setValue] = useState(() => readStored(key, fallback, valid));
    const store = useCallback(
        (next: Value) => {
            localStorage.setItem(key, JSON.stringify(next));
            setValue(next);
        },
        [key]
    );
    return [value, store];
}
