// The current time for texts like "3 days ago", renewed once a minute.
import { useEffect, useState } from 'react';

const RENEW_MS = 60_000;

export function useNow(): number {
    const [now, setNow] = useState(() => Date.now());
    useEffect(() => {
        const timer = setInterval(() => setNow(Date.now()), RENEW_MS);
        return () => clearInterval(timer);
    }, []);
    return now;
}
