// Words and numbers as the portal writes them.
import type { SeverityCounts, VulnerabilitySeverity } from '@/api/ui';

export type Rank = 'critical' | 'important' | 'moderate' | 'low' | 'unknown';
export const RANKS: readonly Rank[] = ['critical', 'important', 'moderate', 'low', 'unknown'];

const VULNERABILITY_RANK: Record<VulnerabilitySeverity, Rank> = {
    CRITICAL_VULNERABILITY_SEVERITY: 'critical',
    IMPORTANT_VULNERABILITY_SEVERITY: 'important',
    MODERATE_VULNERABILITY_SEVERITY: 'moderate',
    LOW_VULNERABILITY_SEVERITY: 'low',
    UNKNOWN_VULNERABILITY_SEVERITY: 'unknown',
};
const POLICY_RANK: Record<string, Rank> = {
    CRITICAL_SEVERITY: 'critical',
    HIGH_SEVERITY: 'important',
    MEDIUM_SEVERITY: 'moderate',
    LOW_SEVERITY: 'low',
};
const VULNERABILITY_LABEL: Record<Rank, string> = {
    critical: 'Critical', important: 'Important', moderate: 'Moderate', low: 'Low', unknown: 'Unknown',
};
const POLICY_LABEL: Record<Rank, string> = {
    critical: 'Critical', important: 'High', moderate: 'Medium', low: 'Low', unknown: 'Unknown',
};

export function vulnerabilityRank(severity: string): Rank {
    return VULNERABILITY_RANK[severity as VulnerabilitySeverity] ?? 'unknown';
}
export function policyRank(severity: string): Rank {
    return POLICY_RANK[severity] ?? 'unknown';
}
export function rankLabel(rank: Rank, scale: 'vulnerability' | 'policy'): string {
    return (scale === 'policy' ? POLICY_LABEL : VULNERABILITY_LABEL)[rank];
}
export function sumOf(counts: SeverityCounts): number {
    return RANKS.reduce((sum, rank) => sum + counts[rank], 0);
}

/** `DEPLOYMENT_EVENT` to `Deployment event`. */
export function sentence(name: string): string {
    const words = name.toLowerCase().replaceAll('_', ' ').trim();
    return words.charAt(0).toUpperCase() + words.slice(1);
}

export function plural(count: number, one: string, many = `${one}s`): string {
    return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

const DATE_TIME = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'short' });
const DATE = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium' });

function parsed(time: string | null | undefined): Date | undefined {
    if (!time) {
        return undefined;
    }
    const date = new Date(time);
    return Number.isNaN(date.getTime()) ? undefined : date;
}
export function dateTime(time: string | null | undefined): string {
    const date = parsed(time);
    return date === undefined ? '-' : DATE_TIME.format(date);
}
export function dateOnly(time: string | null | undefined): string {
    const date = parsed(time);
    return date === undefined ? '-' : DATE.format(date);
}

const STEPS: readonly [number, string][] = [
    [86_400 * 365, 'year'], [86_400 * 30, 'month'], [86_400, 'day'], [3_600, 'hour'], [60, 'minute'],
];

/** How long the time is past (or ahead), in its largest whole unit: `3 days`. */
export function distance(time: string | null | undefined, now: number): string {
    const date = parsed(time);
    if (date === undefined) {
        return '-';
    }
    const seconds = Math.abs(now - date.getTime()) / 1000;
    const step = STEPS.find(([size]) => seconds >= size);
    return step === undefined ? 'less than a minute' : plural(Math.floor(seconds / step[0]), step[1]);
}

/** A past time as its distance: `3 days ago`. */
export function since(time: string | null | undefined, now: number): string {
    const text = distance(time, now);
    return text === '-' ? text : `${text} ago`;
}

export function score(value: number): string {
    return value > 0 ? value.toFixed(1) : 'Not available';
}
export function probability(value: number | null): string {
    return value === null ? 'Not available' : `${(value * 100).toFixed(3)}%`;
}

const LIFECYCLE: Record<string, string> = { BUILD: 'Build', DEPLOY: 'Deploy', RUNTIME: 'Runtime' };
const LIFECYCLE_ORDER = ['BUILD', 'DEPLOY', 'RUNTIME'];
export function lifecycles(stages: readonly string[]): string {
    return [...stages]
        .sort((a, b) => LIFECYCLE_ORDER.indexOf(a) - LIFECYCLE_ORDER.indexOf(b))
        .map((stage) => LIFECYCLE[stage] ?? sentence(stage))
        .join(', ');
}

const ENFORCEMENT: Record<string, string> = {
    SCALE_TO_ZERO_ENFORCEMENT: 'Scale to zero replicas',
    UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT: 'Add an unsatisfiable node constraint',
    KILL_POD_ENFORCEMENT: 'Kill the pod',
    FAIL_BUILD_ENFORCEMENT: 'Fail the build',
    FAIL_KUBE_REQUEST_ENFORCEMENT: 'Fail the Kubernetes request',
    FAIL_DEPLOYMENT_CREATE_ENFORCEMENT: 'Refuse the creation of the deployment',
    FAIL_DEPLOYMENT_UPDATE_ENFORCEMENT: 'Refuse the update of the deployment',
};
export function enforcement(action: string): string {
    return ENFORCEMENT[action] ?? 'None';
}

/** The last part of an image's name: `quay.io/acme/web:1.2` to `acme/web:1.2`. */
export function imageShortName(name: string): string {
    const slash = name.indexOf('/');
    const head = slash < 0 ? '' : name.slice(0, slash);
    return /[.:]|^localhost$/.test(head) ? name.slice(slash + 1) : name;
}
