import { describe, expect, it } from 'vitest';

import type { DeploymentAtRisk, ProcessBaseline } from '@/api/rest';
import type { Timeline, TimelineEvent } from '@/api/ui';
import { clustersOf, eventText, lanesOf, markOf, spanOf } from '@/pages/risk/timeline';
import { baselineLook, isAnomalous, priorityText, programName } from '@/pages/risk/views';

const at = (minute: number) => new Date(Date.UTC(2026, 10, 24, 12, minute)).toISOString();
const event = (change: Partial<TimelineEvent>): TimelineEvent => ({ id: Math.random().toString(), type: 'ProcessActivityEvent', name: 'sh', timestamp: at(0), inBaseline: true, ...change });
const timeline = (...containers: TimelineEvent[][]): Timeline => ({
    deploymentId: 'd', counts: { policyViolations: 0, processActivities: 0, restarts: 0, terminations: 0, pods: 1 }, truncated: false,
    pods: [{ id: 'pod', name: 'web-1', startTime: null, containerCount: containers.length, containers: containers.map((events, index) => ({ id: `c${index}`, name: `c${index}`, startTime: null, events })) }],
});
const TYPES = new Set(['ProcessActivityEvent', 'PolicyViolationEvent', 'ContainerRestartEvent', 'ContainerTerminationEvent']);

describe('lanes', () => {
    const two = timeline([event({ id: 'b', timestamp: at(2) })], [event({ id: 'a', timestamp: at(1) }), event({ id: 'v', type: 'PolicyViolationEvent', timestamp: at(3) })]);
    it('show a pod, and its containers when it is open', () => {
        expect(lanesOf(two, new Set(), TYPES).map(({ name, level }) => [name, level])).toEqual([['web-1', 'pod']]);
        expect(lanesOf(two, new Set(['pod']), TYPES).map(({ name }) => name)).toEqual(['web-1', 'c0', 'c1']);
    });
    it('of a pod have the events of its containers in order of time', () => {
        expect(lanesOf(two, new Set(), TYPES)[0]?.events.map(({ id }) => id)).toEqual(['a', 'b', 'v']);
        expect(lanesOf(two, new Set(), new Set(['PolicyViolationEvent']))[0]?.events.map(({ id }) => id)).toEqual(['v']);
    });
    it('span from the first event to the last', () => {
        expect(spanOf(lanesOf(two, new Set(), TYPES))).toEqual({ start: Date.parse(at(1)), end: Date.parse(at(3)) });
        expect(spanOf(lanesOf(timeline([]), new Set(), TYPES))).toBeUndefined();
        const one = spanOf(lanesOf(timeline([event({})]), new Set(), TYPES));
        expect((one?.end ?? 0) - (one?.start ?? 0)).toBe(60_000);
    });
});

describe('marks', () => {
    it('join near events and show the worst', () => {
        const lane = lanesOf(timeline([event({ timestamp: at(0) }), event({ timestamp: at(0), inBaseline: false }), event({ timestamp: at(50) })]), new Set(), TYPES)[0]!;
        const clusters = clustersOf(lane, { start: Date.parse(at(0)), end: Date.parse(at(50)) });
        expect(clusters.map(({ percent, mark, events }) => [percent, mark, events.length])).toEqual([[0, 'unexpected', 2], [100, 'expected', 1]]);
    });
    it.each([
        [event({ type: 'PolicyViolationEvent', name: 'Rule' }), 'violation', 'Violates the policy "Rule"'],
        [event({ type: 'ContainerRestartEvent', name: 'web' }), 'restart', 'web restarted'],
        [event({ type: 'ContainerTerminationEvent', name: 'web', exitCode: 137, reason: 'OOMKilled' }), 'termination', 'web ended with exit code 137 (OOMKilled)'],
        [event({ args: '-c id', uid: 0, inBaseline: false }), 'unexpected', 'sh -c id, UID 0, not in the baseline'],
        [event({ uid: 7 }), 'expected', 'sh, UID 7'],
    ])('%# have a kind and a text', (item, mark, text) => {
        expect([markOf(item), eventText(item)]).toEqual([mark, text]);
    });
});

describe('words of risk', () => {
    it('find abnormal processes in any container', () => {
        const row = (...odd: boolean[]): DeploymentAtRisk => ({ deployment: null, baselineStatuses: odd.map((anomalousProcessesExecuted) => ({ containerName: '', baselineStatus: 'LOCKED', anomalousProcessesExecuted })) });
        expect([isAnomalous(row(false, true)), isAnomalous(row(false)), isAnomalous(row())]).toEqual([true, false, false]);
    });
    it('write priorities, which are 0 until they are known', () => {
        expect(['1', '1200', '0', undefined].map(priorityText)).toEqual(['1', '1,200', '-', '-']);
    });
    it('tell how far a baseline is', () => {
        const now = Date.parse(at(30));
        const baseline = (userLockedTimestamp: string | null, stackRoxLockedTimestamp: string | null) => ({ userLockedTimestamp, stackRoxLockedTimestamp }) as ProcessBaseline;
        expect([baselineLook(baseline(at(1), null), now), baselineLook(baseline(at(31), null), now)]).toEqual(['locked', 'locked']);
        expect([baselineLook(baseline(null, at(1)), now), baselineLook(baseline(null, at(59)), now), baselineLook(baseline(null, null), now)]).toEqual(['learned', 'learning', 'learning']);
    });
    it('name programs', () => {
        expect([programName('/usr/bin/apt'), programName('apt'), programName('/')]).toEqual(['apt', 'apt', '/']);
    });
});
