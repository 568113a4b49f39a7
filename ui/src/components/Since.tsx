// Times in relation to now; the exact time when pointed at.
import { dateTime, distance, since } from '@/lib/format';
import { useNow } from '@/lib/useNow';

interface Props {
    time: string | null;
}

/** `3 days ago` */
export function Since({ time }: Props) {
    const now = useNow();
    return <span title={dateTime(time)}>{since(time, now)}</span>;
}

/** `3 days` */
export function Age({ time }: Props) {
    const now = useNow();
    return <span title={dateTime(time)}>{distance(time, now)}</span>;
}
