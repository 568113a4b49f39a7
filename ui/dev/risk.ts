// What the fake Central knows of risk: factors, processes, baselines and the timeline, made up of the deployments.
import type { ProcessBaseline, ProcessGroup } from '../src/api/rest.ts';
import type { Timeline, TimelineEvent } from '../src/api/ui.ts';

import { ago, alerts, deployments } from './data.ts';
import type { Alert, Deployment } from './data.ts';

const isOdd = (deployment: Deployment) => deployment.priority % 3 === 1;
const EXPECTED = ['/usr/bin/java', '/app/start', '/bin/grep'];
const ODD = '/usr/bin/wget';

const baselines = new Map<string, ProcessBaseline>();
function baselineOf(deploymentId: string, containerName: string): ProcessBaseline {
    const id = `DC:${deploymentId}:${containerName}`;
    const known = baselines.get(id);
    if (known !== undefined) {
        return known;
    }
    const deployment = deployments.find((item) => item.id === deploymentId);
    const made: ProcessBaseline = {
        id, key: { deploymentId, containerName, clusterId: deployment?.clusterId ?? '', namespace: deployment?.namespace ?? '' },
        elements: EXPECTED.map((processName) => ({ element: { processName }, auto: true })),
        created: ago(50), userLockedTimestamp: null, stackRoxLockedTimestamp: ago(49), lastUpdate: ago(49),
    };
    baselines.set(id, made);
    return made;
}
const hasProcess = (baseline: ProcessBaseline, path: string) => baseline.elements.some(({ element }) => element?.processName === path);

export function withProcessInfo(deployment: Deployment): object {
    const { id, name, clusterName, clusterId, namespace, created, priority } = deployment;
    const odd = isOdd(deployment) && !hasProcess(baselineOf(id, name), ODD);
    return {
        deployment: { id, hash: '0', name, cluster: clusterName, clusterId, namespace, created, priority: String(priority) },
        baselineStatuses: [{ containerName: name, baselineStatus: 'UNLOCKED', anomalousProcessesExecuted: odd }],
    };
}

export function riskOf(deployment: Deployment): object {
    const factor = (message: string) => ({ message, url: '' });
    const own = alerts.filter((alert) => alert.deployment === deployment && alert.state === 'ACTIVE');
    const image = deployment.images[0]?.name ?? '';
    const results = [
        ...(own.length > 0 ? [{ name: 'Policy Violations', score: 1 + own.length / 4, factors: own.map(({ policy }) => factor(`${policy.name} (severity: ${policy.severity.replace('_SEVERITY', '').toLowerCase()})`)) }] : []),
        ...(isOdd(deployment) ? [{ name: 'Suspicious Process Executions', score: 1.6, factors: [factor(`Detected execution of suspicious process "wget" with args "-q http://192.0.2.1/x" in container ${deployment.name}`)] }] : []),
        { name: 'Image Vulnerabilities', score: 2.75, factors: [factor(`Image "${image}" contains ${deployment.images[0]?.findings.length ?? 0} CVEs with severities ranging between Low and Critical`)] },
        { name: 'Service Configuration', score: 1.25, factors: [factor('Volumes {data} were mounted RW'), factor('No capabilities were dropped')] },
        { name: 'Service Reachability', score: 1.1, factors: [factor('Port 8080 is exposed in the cluster')] },
        { name: 'Image Freshness', score: 1.5, factors: [factor(`Image "${image}" is 301 days old`)] },
    ];
    const score = results.reduce((product, result) => product * result.score, 1);
    return { id: `deployment:${deployment.id}`, subject: { id: deployment.id, namespace: deployment.namespace, clusterId: deployment.clusterId, type: 'DEPLOYMENT' }, score, results };
}

const signal = (deployment: Deployment, path: string, args: string, hours: number, index: number) => ({
    id: `${deployment.id}-${path}-${index}`, deploymentId: deployment.id, containerName: deployment.name, podId: `${deployment.name}-abcde`, podUid: '', clusterId: deployment.clusterId,
    namespace: deployment.namespace, containerStartTime: ago(60), imageId: '',
    signal: { id: '', containerId: '0123456789ab', time: ago(hours), name: path.slice(path.lastIndexOf('/') + 1), args, execFilePath: path, pid: 100 + index, uid: path === ODD ? 0 : 1000, gid: 0, lineage: [], scraped: false, lineageInfo: [] },
});

export function processesOf(deployment: Deployment): ProcessGroup[] {
    const baseline = baselineOf(deployment.id, deployment.name);
    return [...EXPECTED, ...(isOdd(deployment) ? [ODD] : [])].map((name, at) => {
        const groups = (name === ODD ? ['-q http://192.0.2.1/x'] : ['-jar app.jar', '--once']).map((args, index) => ({ args, signals: [signal(deployment, name, args, 40 - at * 9 - index, at * 2 + index)] }));
        return { name, containerName: deployment.name, timesExecuted: groups.length, groups, suspicious: !hasProcess(baseline, name) };
    });
}

const processEvent = ({ id, signal: happened }: ReturnType<typeof signal>, inBaseline: boolean): TimelineEvent => ({
    id, type: 'ProcessActivityEvent', name: happened.name, timestamp: happened.time, args: happened.args, uid: happened.uid, parentName: null, parentUid: -1, inBaseline,
});
const violationEvent = ({ id, policy, time }: Alert): TimelineEvent => ({ id, type: 'PolicyViolationEvent', name: policy.name, timestamp: time });

export function timelineOf(deployment: Deployment): Timeline {
    const processes = processesOf(deployment).flatMap(({ groups, suspicious }) => groups.flatMap(({ signals }) => signals.map((one) => processEvent(one as never, !suspicious))));
    const violations = alerts.filter((alert) => alert.deployment === deployment && alert.stage === 'RUNTIME').map(violationEvent);
    const ends: TimelineEvent[] = [
        { id: 'end', type: 'ContainerTerminationEvent', name: deployment.name, timestamp: ago(30), exitCode: 137, reason: 'OOMKilled' },
        { id: 'again', type: 'ContainerRestartEvent', name: deployment.name, timestamp: ago(29.8) },
    ];
    const events = [...processes, ...violations, ...ends].sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp));
    return {
        deploymentId: deployment.id,
        counts: { policyViolations: violations.length, processActivities: processes.length, restarts: 1, terminations: 1, pods: 1 },
        truncated: false,
        pods: [{ id: `${deployment.id}-pod`, name: `${deployment.name}-abcde`, startTime: ago(60), containerCount: 1, containers: [{ id: `${deployment.name}-abcde:${deployment.name}`, name: deployment.name, startTime: ago(60), events }] }],
    };
}

export const baseline = (params: URLSearchParams) => baselineOf(params.get('key.deploymentId') ?? '', params.get('key.containerName') ?? '');

interface Update {
    keys: { deploymentId: string; containerName: string }[];
    locked?: boolean;
    addElements?: { processName: string }[];
    removeElements?: { processName: string }[];
}

/** The answer to a change of baselines; undefined when the request is about something else. */
export function baselineReply(method: string, path: string, body: string): { status: number; body: unknown } | undefined {
    if (method !== 'PUT' || !path.startsWith('/v1/processbaselines')) {
        return undefined;
    }
    const { keys, locked, addElements = [], removeElements = [] } = JSON.parse(body) as Update;
    const changed = keys.map(({ deploymentId, containerName }) => {
        const known = baselineOf(deploymentId, containerName);
        if (locked !== undefined) {
            known.userLockedTimestamp = locked ? new Date().toISOString() : null;
        }
        const gone = new Set([...addElements, ...removeElements].map(({ processName }) => processName));
        known.elements = [...known.elements.filter(({ element }) => !gone.has(element?.processName ?? '')), ...addElements.map((element) => ({ element, auto: false }))];
        return known;
    });
    return { status: 200, body: { baselines: changed, errors: [] } };
}
