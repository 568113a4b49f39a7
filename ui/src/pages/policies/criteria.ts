// The criteria that a policy may use: the engine's rules (criteria.json) and how the portal groups and words them.
import facts from '@/api/criteria.json';
import type { Policy } from '@/api/rest';

export type Input =
    | 'BOOLEAN' | 'CHOICE' | 'COMPARISON' | 'DAYS' | 'DOCKERFILE' | 'ENVIRONMENT' | 'KEY_VALUE' | 'PATH' | 'SEVERITY' | 'SIGNATURE' | 'TEXT';

export interface Criterion {
    name: string;
    kind: string;
    input: Input;
    negatable: boolean;
    /** Exactly one value, and so no operator. */
    single: boolean;
    /** Several values, any of which; never all. */
    orOnly: boolean;
    /** Criteria that must stand in the same section. */
    needs: readonly string[];
    /** The event sources of run-time criteria; empty for those on images and workloads. */
    eventSources: readonly string[];
    options?: readonly string[];
    auditOptions?: readonly string[];
}

export const CRITERIA = facts as readonly Criterion[];
const BY_NAME = new Map(CRITERIA.map((criterion) => [criterion.name, criterion]));
export const criterionOf = (name: string): Criterion | undefined => BY_NAME.get(name);

/** The palette's groups in upstream's order. */
export const CATEGORIES: readonly (readonly [title: string, names: readonly string[]])[] = [
    ['Image registry', ['Image Registry', 'Image Remote', 'Image Tag', 'Image Signature Verified By']],
    ['Image contents', ['Image Age', 'Image User', 'Dockerfile Line', 'Image Component', 'Image OS', 'Required Image Label', 'Disallowed Image Label']],
    [
        'Image scanning',
        [
            'Image Scan Age', 'Unscanned Image', 'CVSS', 'NVD CVSS', 'Severity', 'Fixable', 'Fixed By', 'CVE', 'Days Since CVE Was Published',
            'Days Since CVE Fix Was Available', 'Days Since CVE Was First Discovered In Image', 'Days Since CVE Was First Discovered In System',
        ],
    ],
    [
        'Container configuration',
        [
            'Environment Variable', 'Container CPU Request', 'Container CPU Limit', 'Container Memory Request', 'Container Memory Limit',
            'Privileged Container', 'Read-Only Root Filesystem', 'Allow Privilege Escalation', 'Seccomp Profile Type', 'Drop Capabilities',
            'Add Capabilities', 'Container Name', 'AppArmor Profile', 'Liveness Probe Defined', 'Readiness Probe Defined',
        ],
    ],
    [
        'Deployment metadata',
        [
            'Disallowed Annotation', 'Required Label', 'Required Annotation', 'Runtime Class', 'Host Network', 'Host PID', 'Host IPC', 'Namespace',
            'Replicas',
        ],
    ],
    [
        'Storage',
        [
            'Volume Name', 'Volume Source', 'Volume Destination', 'Volume Type', 'Writable Mounted Volume', 'Mount Propagation', 'Writable Host Mount',
        ],
    ],
    [
        'Networking',
        [
            'Exposed Port Protocol', 'Exposed Node Port', 'Exposed Port', 'Port Exposure Method', 'Unexpected Network Flow Detected',
            'Has Ingress Network Policy', 'Has Egress Network Policy',
        ],
    ],
    ['Process activity', ['Process Name', 'Process Ancestor', 'Process Arguments', 'Process UID', 'Unexpected Process Executed']],
    ['File activity', ['File Path', 'File Operation']],
    ['Access control', ['Service Account', 'Automount Service Account Token', 'Minimum RBAC Permissions']],
    [
        'Kubernetes events',
        [
            'Kubernetes API Verb', 'Kubernetes Resource', 'Kubernetes Resource Name', 'Kubernetes User Name', 'Kubernetes User Groups', 'User Agent',
            'Source IP Address', 'Is Impersonated User',
        ],
    ],
];

export type Stages = Pick<Policy, 'lifecycleStages' | 'eventSource'>;

/** Whether a policy of these stages and that event source may use the criterion. */
export function isAvailable({ kind, eventSources }: Criterion, { lifecycleStages, eventSource }: Stages): boolean {
    if (lifecycleStages.length === 0) {
        return false;
    }
    if (lifecycleStages.includes('RUNTIME')) {
        const isEvent = eventSources.length > 0;
        return isEvent ? eventSources.includes(eventSource) : eventSource === 'DEPLOYMENT_EVENT';
    }
    if (lifecycleStages.includes('BUILD')) {
        return kind === 'IMAGE';
    }
    return eventSources.length === 0;
}

/** The palette: groups with what the policy may use and the search text allows. */
export function palette(stages: Stages, search: string): [title: string, criteria: Criterion[]][] {
    const text = search.trim().toLowerCase();
    return CATEGORIES.map(([title, names]): [string, Criterion[]] => [
        title,
        names
            .flatMap((name) => criterionOf(name) ?? [])
            .filter((criterion) => isAvailable(criterion, stages) && `${title} ${criterion.name}`.toLowerCase().includes(text)),
    ]).filter(([, criteria]) => criteria.length > 0);
}

/** The closed set of values in this policy. Ports never have the unset level, so nobody may ask for it. */
export function optionsOf(criterion: Criterion, eventSource: string): readonly string[] {
    const options = eventSource === 'AUDIT_LOG_EVENT' ? (criterion.auditOptions ?? criterion.options) : criterion.options;
    return (options ?? []).filter((option) => option !== 'UNSET' || criterion.name !== 'Port Exposure Method');
}

const OPTION_WORDS: Record<string, string> = {
    PODS_EXEC: 'Pod exec', PODS_PORTFORWARD: 'Pod port forward', PODS_ATTACH: 'Pod attach', HOSTTOCONTAINER: 'Host to container',
    CONFIGMAPS: 'Config maps', UNLINK: 'Delete', RUNTIME_DEFAULT: 'Runtime default', XATTR_CHANGE: 'Extended attribute change',
};

/** The caption of one value of a closed set; capabilities keep their exact names. */
export function optionLabel(criterion: Criterion, option: string): string {
    if (criterion.name.endsWith('Capabilities')) {
        return option;
    }
    const words = option.toLowerCase().replaceAll('_', ' ');
    return OPTION_WORDS[option] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

const BOOLEAN_WORDS: Record<string, readonly [whenTrue: string, whenFalse: string]> = {
    'Writable Mounted Volume': ['Writable', 'Read-only'],
    'Writable Host Mount': ['Writable', 'Read-only'],
    'Read-Only Root Filesystem': ['Read-only', 'Writable'],
    Fixable: ['Fixable', 'Not fixable'],
    'Unscanned Image': ['Not scanned', 'Scanned'],
    'Privileged Container': ['Privileged', 'Not privileged'],
    'Allow Privilege Escalation': ['Allowed', 'Not allowed'],
    'Liveness Probe Defined': ['Defined', 'Not defined'],
    'Readiness Probe Defined': ['Defined', 'Not defined'],
    'Has Ingress Network Policy': ['Present', 'Missing'],
    'Has Egress Network Policy': ['Present', 'Missing'],
    'Unexpected Network Flow Detected': ['Unexpected flow', 'Expected flow'],
    'Unexpected Process Executed': ['Unexpected process', 'Expected process'],
    'Host Network': ['Uses the host network', 'Does not use the host network'],
    'Host PID': ['Uses the host PID namespace', 'Does not use the host PID namespace'],
    'Host IPC': ['Uses the host IPC namespace', 'Does not use the host IPC namespace'],
    'Automount Service Account Token': ['Mounted', 'Not mounted'],
    'Is Impersonated User': ['Impersonated', 'Not impersonated'],
};
export function booleanLabel(name: string, value: boolean): string {
    return (BOOLEAN_WORDS[name] ?? ['True', 'False'])[value ? 0 : 1];
}
