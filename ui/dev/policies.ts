// What the fake Central does with policies: storing, importing, exporting, dry runs. Only as much as the portal needs.
import type { Exclusion, ImportError, Policy } from '../src/api/rest.ts';

import { alerts, clusters, deployments, policies as made } from './data.ts';

export interface Answer {
    status: number;
    body: unknown;
}
const ok = (body: unknown = {}): Answer => ({ status: 200, body });
const refuse = (status: number, message: string): Answer => ({ status, body: { code: 3, message, details: [], error: message } });

/** The stored policies, the made-up ones first. */
export const policies = made as unknown as Policy[];
export const categories = [...new Set(policies.flatMap((policy) => policy.categories))].map((name, index) => ({ id: `category-${index}`, name, isDefault: true }));
const tactics = [
    ['TA0001', 'Initial Access', [['T1190', 'Exploit Public-Facing Application'], ['T1133', 'External Remote Services']]],
    ['TA0002', 'Execution', [['T1059', 'Command and Scripting Interpreter'], ['T1609', 'Container Administration Command']]],
    ['TA0004', 'Privilege Escalation', [['T1611', 'Escape to Host']]],
] as const;
export const mitreAttackVectors = tactics.map(([id, name, techniques]) => ({
    tactic: { id, name, description: '' },
    techniques: techniques.map(([technique, title]) => ({ id: technique, name: title, description: '' })),
}));

let counter = 0;
function newId(): string {
    counter += 1;
    return `00000000-0000-4000-a000-${String(counter).padStart(12, '0')}`;
}
function stored(policy: Policy): Policy {
    return { ...policy, id: policy.id || newId(), isDefault: false, criteriaLocked: false, mitreVectorsLocked: false, lastUpdated: new Date().toISOString() };
}
function problemsOf(policy: Policy): string {
    const problems = [
        ...(/^[^\n\r$]{5,128}$/.test(policy.name) ? [] : ['policy must have a name between 5 and 128 characters long with no new lines or dollar signs']),
        ...(policy.categories.length > 0 ? [] : ['a policy must have at least one category']),
        ...(policy.lifecycleStages.length > 0 ? [] : ['a policy must apply to at least one lifecycle stage']),
    ];
    return problems.length === 0 ? '' : `policy invalid error: ${problems.join(', ')}`;
}

function imported(policy: Policy, overwrite: boolean): object {
    const byId = policies.find(({ id }) => id === policy.id);
    const byName = policies.find(({ name }) => name === policy.name);
    const errors: ImportError[] = [
        ...(byId && (byId.isDefault || !overwrite)
            ? [{ message: `Policy ${policy.name} (${policy.id}) cannot be added because it already exists`, type: byId.isDefault ? 'duplicate_system_policy_id' : 'duplicate_id', duplicateName: byId.name }]
            : []),
        ...(byName && (byName.isDefault || !overwrite)
            ? [{ message: `Could not add policy due to name validation, policy with name "${policy.name}" already exists`, type: byName.isDefault ? 'duplicate_system_policy_name' : 'duplicate_name', duplicateName: byName.name }]
            : []),
    ];
    const problem = problemsOf(policy);
    if (problem !== '') {
        errors.splice(0, errors.length, { message: 'Invalid policy', type: 'invalid_policy', validationError: problem });
    }
    if (errors.length > 0) {
        return { succeeded: false, policy, errors };
    }
    for (const old of [byId, byName]) {
        if (old !== undefined && policies.includes(old)) {
            policies.splice(policies.indexOf(old), 1);
        }
    }
    const taken = stored(policy);
    policies.push(taken);
    return { succeeded: true, policy: taken, errors: [] };
}

// A dry run finds one deployment each time that it is asked about.
const jobs = new Map<string, { asked: number; policy: Policy }>();
function jobStatus(id: string): Answer {
    const job = jobs.get(id);
    if (job === undefined) {
        return refuse(404, `dry run job with ID '${id}' does not exist: not found`);
    }
    job.asked += 1;
    const found = deployments.slice(0, Math.min(job.asked, 3)).map(({ name }) => ({ deployment: name, violations: [`Container '${name}' is privileged`] }));
    return ok({ pending: job.asked < 3, result: { alerts: job.policy.lifecycleStages.includes('RUNTIME') ? [] : found } });
}

function fromSearch(searchParams: string): Answer {
    const terms = searchParams.split('+').map((term) => term.split(':') as [string, string]);
    const groups = terms.filter(([field]) => field === 'Image Tag' || field === 'CVE').map(([fieldName, value]) => ({ fieldName, booleanOperator: 'OR', negate: false, values: [{ value }] }));
    if (groups.length === 0) {
        return refuse(400, 'error creating policy from search string: after parsing there were no valid policy groups or scopes: invalid arguments');
    }
    const altered = terms.map(([field]) => field).filter((field) => field !== 'Image Tag' && field !== 'CVE');
    const policy = {
        id: '', name: '', description: '', rationale: '', remediation: '', disabled: false, categories: [], lifecycleStages: ['BUILD', 'DEPLOY'], eventSource: 'NOT_APPLICABLE',
        exclusions: [], scope: [], severity: 'UNSET_SEVERITY', enforcementActions: [], notifiers: [], lastUpdated: null, policyVersion: '1.1',
        policySections: [{ sectionName: '', policyGroups: groups }], mitreAttackVectors: [], criteriaLocked: false, mitreVectorsLocked: false, isDefault: false,
        source: 'IMPERATIVE', evaluationFilter: null,
    };
    return ok({ policy, alteredSearchTerms: altered, hasNestedFields: false });
}

function createdCategory(name: string): Answer {
    const category = { id: newId(), name, isDefault: false };
    categories.push(category);
    return ok(category);
}

type Handler = (body: never, id: string) => Answer;
const HANDLERS: readonly [method: string, pattern: RegExp, handler: Handler][] = [
    ['POST', /^\/v1\/policies$/, (policy: Policy) => {
        const problem = problemsOf(policy);
        if (problem !== '' || policies.some(({ name }) => name === policy.name)) {
            return refuse(400, `${problem || `Could not add policy due to name validation, policy with name "${policy.name}" already exists`}: invalid arguments`);
        }
        const made = stored({ ...policy, id: '' });
        policies.push(made);
        return ok(made);
    }],
    ['PUT', /^\/v1\/policies\/([^/]+)$/, (policy: Policy, id) => {
        const at = policies.findIndex((one) => one.id === id);
        const old = policies[at];
        if (old === undefined) {
            return refuse(404, 'not found');
        }
        policies[at] = { ...policy, id, isDefault: old.isDefault };
        resolveExcluded(id, policy.exclusions);
        return ok();
    }],
    ['DELETE', /^\/v1\/policies\/([^/]+)$/, (_body, id) => {
        const at = policies.findIndex((one) => one.id === id);
        if (policies[at]?.isDefault) {
            return refuse(400, 'A default policy cannot be deleted. (You can disable a default policy, but not delete it.): invalid arguments');
        }
        if (at >= 0) {
            policies.splice(at, 1);
        }
        return ok();
    }],
    ['POST', /^\/v1\/policies\/reassess$/, () => ok()],
    ['POST', /^\/v1\/policies\/export$/, ({ policyIds }: { policyIds: string[] }) => ok({ policies: policies.filter(({ id }) => policyIds.includes(id)) })],
    ['POST', /^\/v1\/policies\/import$/, ({ metadata, policies: sent }: { metadata: { overwrite: boolean }; policies: Policy[] }) => {
        const responses = sent.map((policy) => imported(policy, metadata.overwrite)) as { succeeded: boolean }[];
        return ok({ responses, allSucceeded: responses.every(({ succeeded }) => succeeded) });
    }],
    ['POST', /^\/v1\/policies\/from-search$/, ({ searchParams }: { searchParams: string }) => fromSearch(searchParams)],
    ['POST', /^\/v1\/policies\/dryrunjob$/, (policy: Policy) => {
        const jobId = newId();
        jobs.set(jobId, { asked: 0, policy });
        return ok({ jobId });
    }],
    ['GET', /^\/v1\/policies\/dryrunjob\/([^/]+)$/, (_body, id) => jobStatus(id)],
    ['DELETE', /^\/v1\/policies\/dryrunjob\/([^/]+)$/, (_body, id) => (jobs.delete(id) ? ok() : refuse(404, 'not found'))],
    ['POST', /^\/v1\/policycategories$/, ({ name }: { name: string }) => createdCategory(name)],
    ['PUT', /^\/v1\/policycategories$/, ({ id, newCategoryName }: { id: string; newCategoryName: string }) => {
        const category = categories.find((one) => one.id === id);
        if (category !== undefined) {
            category.name = newCategoryName;
        }
        return ok(category);
    }],
    ['DELETE', /^\/v1\/policycategories\/([^/]+)$/, (_body, id) => {
        categories.splice(categories.findIndex((one) => one.id === id), 1);
        return ok();
    }],
];

/** Alerts of workloads that the policy leaves alone from now on end. */
function resolveExcluded(policyId: string, exclusions: readonly Exclusion[]): void {
    for (const alert of alerts) {
        const { deployment, policy } = alert;
        const excluded = exclusions.some(
            ({ deployment: out }) =>
                out?.name === deployment.name && out.scope?.namespace === deployment.namespace && clusters.some(({ id, name }) => id === out.scope?.cluster && name === deployment.clusterName)
        );
        if (policy.id === policyId && excluded && alert.state === 'ACTIVE') {
            alert.state = 'RESOLVED';
        }
    }
}

/** The answer to a request about policies; undefined when it is about something else. */
export function policyReply(method: string, path: string, body: string): Answer | undefined {
    for (const [verb, pattern, handler] of HANDLERS) {
        const match = pattern.exec(path);
        if (verb === method && match !== null) {
            return handler((body === '' ? {} : JSON.parse(body)) as never, decodeURIComponent(match[1] ?? ''));
        }
    }
    return undefined;
}
