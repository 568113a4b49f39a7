// The timeline of a deployment as marks on lanes: rows of events, near ones drawn together.
import type { Timeline, TimelineEvent, TimelineEventType } from '@/api/ui';

export interface EventKind {
    type: TimelineEventType;
    title: string;
}
export const EVENT_KINDS: readonly EventKind[] = [
    { type: 'PolicyViolationEvent', title: 'Policy violations' },
    { type: 'ProcessActivityEvent', title: 'Process activities' },
    { type: 'ContainerRestartEvent', title: 'Restarts' },
    { type: 'ContainerTerminationEvent', title: 'Terminations' },
];

export interface Lane {
    id: string;
    name: string;
    /** Pods have containers below them. */
    level: 'pod' | 'container';
    events: TimelineEvent[];
}

const byTime = (a: TimelineEvent, b: TimelineEvent) => Date.parse(a.timestamp) - Date.parse(b.timestamp);

/** One lane a pod, and below each open pod one a container; only events of the wanted types. */
export function lanesOf({ pods }: Timeline, open: ReadonlySet<string>, types: ReadonlySet<string>): Lane[] {
    return pods.flatMap((pod): Lane[] => {
        const containers = pod.containers.map(({ id, name, events }): Lane => ({
            id, name, level: 'container', events: events.filter(({ type }) => types.has(type)),
        }));
        const all = containers.flatMap(({ events }) => events).sort(byTime);
        return [{ id: pod.id, name: pod.name, level: 'pod', events: all }, ...(open.has(pod.id) ? containers : [])];
    });
}

export interface Span {
    start: number;
    end: number;
}

/** From the first event to the last; a little more when there is only one moment. */
export function spanOf(lanes: readonly Lane[]): Span | undefined {
    let [start, end] = [Infinity, -Infinity];
    for (const { events } of lanes) {
        for (const { timestamp } of events) {
            const time = Date.parse(timestamp);
            start = Math.min(start, time);
            end = Math.max(end, time);
        }
    }
    if (start === Infinity) {
        return undefined;
    }
    return end - start < 1_000 ? { start: start - 30_000, end: end + 30_000 } : { start, end };
}

/** Where the mark of the kind lies in a list of worse and worse things. */
export type Mark = 'expected' | 'restart' | 'termination' | 'unexpected' | 'violation';
const WORSE: readonly Mark[] = ['expected', 'restart', 'termination', 'unexpected', 'violation'];

export function markOf({ type, inBaseline }: TimelineEvent): Mark {
    switch (type) {
        case 'PolicyViolationEvent':
            return 'violation';
        case 'ContainerRestartEvent':
            return 'restart';
        case 'ContainerTerminationEvent':
            return 'termination';
        default:
            return inBaseline === false ? 'unexpected' : 'expected';
    }
}

export interface Cluster {
    /** The place on the lane, 0 to 100. */
    percent: number;
    /** The worst of the events. */
    mark: Mark;
    events: TimelineEvent[];
}

// Marks are 16 pixels wide; lanes have about 800.
const NEAR_PERCENT = 2;

export function clustersOf(lane: Lane, { start, end }: Span): Cluster[] {
    const clusters: Cluster[] = [];
    for (const event of lane.events) {
        const percent = ((Date.parse(event.timestamp) - start) / (end - start)) * 100;
        const last = clusters.at(-1);
        if (last !== undefined && percent - last.percent < NEAR_PERCENT) {
            last.events.push(event);
            last.mark = WORSE[Math.max(WORSE.indexOf(last.mark), WORSE.indexOf(markOf(event)))] ?? last.mark;
        } else {
            clusters.push({ percent, mark: markOf(event), events: [event] });
        }
    }
    return clusters;
}

/** What a mark says about one event. */
export function eventText(event: TimelineEvent): string {
    switch (markOf(event)) {
        case 'violation':
            return `Violates the policy "${event.name}"`;
        case 'restart':
            return `${event.name || 'The container'} restarted`;
        case 'termination':
            return `${event.name || 'The container'} ended with exit code ${event.exitCode ?? 0}${event.reason ? ` (${event.reason})` : ''}`;
        case 'unexpected':
            return `${processText(event)}, not in the baseline`;
        default:
            return processText(event);
    }
}

function processText({ name, args, uid }: TimelineEvent): string {
    return `${name}${args ? ` ${args}` : ''}, UID ${uid ?? 0}`;
}
