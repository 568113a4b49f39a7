// The policy that the wizard works on: how it begins, how its rules change, what is wrong with it, what is sent.
import type { KeyValue, Lifecycle, Policy, PolicyGroup, PolicySection, Scope } from '@/api/rest';

import type { Criterion } from './criteria';
import { criterionOf, isAvailable } from './criteria';
import { firstValue, valueProblem } from './values';

export type Draft = Policy;
export type Action = 'create' | 'edit' | 'clone' | 'generate';

export const NO_SCOPE: Scope = { cluster: '', namespace: '', label: null, clusterLabel: null, namespaceLabel: null };

export function emptyDraft(): Draft {
    return {
        id: '', name: '', description: '', rationale: '', remediation: '', severity: 'LOW_SEVERITY', categories: [], disabled: false,
        lifecycleStages: [], eventSource: 'NOT_APPLICABLE', notifiers: [], lastUpdated: null, isDefault: false, source: 'IMPERATIVE',
        exclusions: [], scope: [], enforcementActions: [], policySections: [emptySection(1)], mitreAttackVectors: [],
        criteriaLocked: false, mitreVectorsLocked: false, policyVersion: '1.1', evaluationFilter: null,
    };
}

export function emptySection(number: number): PolicySection {
    return { sectionName: `Rule ${number}`, policyGroups: [] };
}

/** What the wizard begins with, made of an existing policy. */
export function draftOf(policy: Policy, action: Action): Draft {
    const sections = policy.policySections.length === 0 ? [emptySection(1)] : policy.policySections;
    if (action === 'edit') {
        return { ...policy, policySections: sections };
    }
    return {
        ...policy,
        id: '',
        name: action === 'clone' ? `${policy.name} (COPY)`.slice(0, 128) : policy.name,
        severity: policy.severity === 'UNSET_SEVERITY' ? 'LOW_SEVERITY' : policy.severity,
        policySections: sections,
        isDefault: false,
        criteriaLocked: false,
        mitreVectorsLocked: false,
        source: 'IMPERATIVE',
        lastUpdated: null,
    };
}

// Changes of the rules. All return a new list.
type Sections = readonly PolicySection[];

function at<Item>(items: readonly Item[], index: number, change: (item: Item) => Item): Item[] {
    return items.map((item, position) => (position === index ? change(item) : item));
}

export function withSection(sections: Sections): PolicySection[] {
    return [...sections, emptySection(sections.length + 1)];
}
export function withoutSection(sections: Sections, index: number): PolicySection[] {
    return sections.filter((_section, position) => position !== index);
}
export function withSectionName(sections: Sections, index: number, sectionName: string): PolicySection[] {
    return at(sections, index, (section) => ({ ...section, sectionName }));
}

/** Why a criterion cannot be added to a section; undefined when it can. */
export function cannotAdd(section: PolicySection | undefined, criterion: Criterion, draft: Draft): string | undefined {
    if (section === undefined) {
        return 'There is no section to add it to';
    }
    if (!isAvailable(criterion, draft)) {
        return `${criterion.name} is not available in this lifecycle stage`;
    }
    if (section.policyGroups.some(({ fieldName }) => fieldName === criterion.name)) {
        return `${criterion.name} is already in this section; add a value to it instead`;
    }
    return undefined;
}
export function withCriterion(sections: Sections, index: number, criterion: Criterion): PolicySection[] {
    const group: PolicyGroup = { fieldName: criterion.name, booleanOperator: 'OR', negate: false, values: [{ value: firstValue(criterion) }] };
    return at(sections, index, (section) => ({ ...section, policyGroups: [...section.policyGroups, group] }));
}
export function withGroup(sections: Sections, index: number, position: number, change: Partial<PolicyGroup>): PolicySection[] {
    return at(sections, index, (section) => ({
        ...section,
        policyGroups: at(section.policyGroups, position, (group) => ({ ...group, ...change })),
    }));
}
export function withoutGroup(sections: Sections, index: number, position: number): PolicySection[] {
    return at(sections, index, (section) => ({
        ...section,
        policyGroups: section.policyGroups.filter((_group, place) => place !== position),
    }));
}

export function hasRules({ policySections }: Draft): boolean {
    return policySections.some(({ policyGroups }) => policyGroups.length > 0);
}

/** Another life cycle: the rules are cleared, and with them what the new stages do not allow. */
export function withStages(draft: Draft, lifecycleStages: Lifecycle[], eventSource: string): Draft {
    const runtime = lifecycleStages.includes('RUNTIME');
    return {
        ...draft,
        lifecycleStages,
        eventSource: runtime ? eventSource : 'NOT_APPLICABLE',
        policySections: [emptySection(1)],
        enforcementActions: [],
        exclusions: draft.exclusions.filter(({ image }) => image === null || lifecycleStages.includes('BUILD')),
    };
}

/** What enforcement means at each stage; upstream offers these and no others. */
export const STAGE_ACTIONS: Record<Lifecycle, readonly string[]> = {
    BUILD: ['FAIL_BUILD_ENFORCEMENT'],
    DEPLOY: ['SCALE_TO_ZERO_ENFORCEMENT', 'UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT'],
    RUNTIME: ['KILL_POD_ENFORCEMENT', 'FAIL_KUBE_REQUEST_ENFORCEMENT'],
};
/** Actions of the stage for this draft: Kubernetes requests can be refused, everything else ends the pod. */
export function actionsOf(draft: Draft, stage: Lifecycle): readonly string[] {
    if (stage !== 'RUNTIME') {
        return STAGE_ACTIONS[stage];
    }
    const onRequests = draft.policySections.some(({ policyGroups }) => policyGroups.some(({ fieldName }) => fieldName.startsWith('Kubernetes ')));
    return [onRequests ? 'FAIL_KUBE_REQUEST_ENFORCEMENT' : 'KILL_POD_ENFORCEMENT'];
}
export function isEnforcedAt({ enforcementActions }: Draft, stage: Lifecycle): boolean {
    return STAGE_ACTIONS[stage].some((action) => enforcementActions.includes(action));
}
export function withEnforcement(draft: Draft, stage: Lifecycle, on: boolean): Draft {
    const others = draft.enforcementActions.filter((action) => !STAGE_ACTIONS[stage].includes(action));
    return { ...draft, enforcementActions: on ? [...others, ...actionsOf(draft, stage)] : others };
}
const NOT_ENFORCEABLE = ['Has Ingress Network Policy', 'Has Egress Network Policy'];
/** Why the policy cannot be enforced; undefined when it can. */
export function cannotEnforce(draft: Draft): string | undefined {
    if (draft.eventSource === 'AUDIT_LOG_EVENT') {
        return 'Policies on audit logs learn of requests afterwards and cannot refuse them.';
    }
    if (draft.eventSource === 'NODE_EVENT') {
        return 'Activity on nodes is reported and not prevented.';
    }
    const names = draft.policySections.flatMap(({ policyGroups }) => policyGroups.map(({ fieldName }) => fieldName));
    const field = NOT_ENFORCEABLE.find((name) => names.includes(name));
    return field === undefined ? undefined : `Enforcement of ${field} is not allowed.`;
}

// What is wrong with each step. Central checks everything again, and its words are shown when it refuses.
export type Step = 'details' | 'lifecycle' | 'rules' | 'resources' | 'actions';

function detailProblems({ name, description, categories }: Draft): string[] {
    return [
        ...(/^[^\n\r$]{5,128}$/.test(name.trim()) ? [] : ['The name must have 5 to 128 characters, without line breaks and dollar signs']),
        ...(/^[^$]{0,800}$/.test(description) ? [] : ['The description may have 800 characters at most, without dollar signs']),
        ...(categories.length > 0 ? [] : ['Choose at least one category']),
    ];
}

function lifecycleProblems({ lifecycleStages, eventSource }: Draft): string[] {
    if (lifecycleStages.length === 0) {
        return ['Choose a lifecycle stage'];
    }
    return lifecycleStages.includes('RUNTIME') && eventSource === 'NOT_APPLICABLE' ? ['Choose an event source'] : [];
}

function sectionProblems(section: PolicySection, draft: Draft): string[] {
    const title = section.sectionName || 'A section';
    const names = section.policyGroups.map(({ fieldName }) => fieldName);
    if (names.length === 0) {
        return [`${title} has no criterion`];
    }
    const groups = section.policyGroups.flatMap(({ fieldName, values }) => {
        const criterion = criterionOf(fieldName);
        if (criterion === undefined) {
            return [`${title}: ${fieldName} is not a criterion`];
        }
        const missing = criterion.needs.filter((name) => !names.includes(name)).map((name) => `${title}: ${fieldName} also needs ${name}`);
        if (values.length === 0) {
            return [...missing, `${title}: ${fieldName} has no value`];
        }
        return [
            ...missing,
            ...values.flatMap(({ value }) => valueProblem(criterion, value) ?? []).map((problem) => `${title}: ${fieldName}: ${problem}`),
        ];
    });
    const required = REQUIRED[draft.eventSource] ?? [];
    return [...groups, ...required.filter((name) => !names.includes(name)).map((name) => `${title} needs ${name}`)];
}
const REQUIRED: Record<string, readonly string[]> = {
    AUDIT_LOG_EVENT: ['Kubernetes API Verb', 'Kubernetes Resource'],
    NODE_EVENT: ['File Path'],
};

function ruleProblems(draft: Draft): string[] {
    if (draft.policySections.length === 0) {
        return ['Add a section with a criterion'];
    }
    const problems = draft.policySections.flatMap((section) => sectionProblems(section, draft));
    const event = draft.policySections.some(({ policyGroups }) =>
        policyGroups.some(({ fieldName }) => (criterionOf(fieldName)?.eventSources.length ?? 0) > 0)
    );
    return draft.lifecycleStages.includes('RUNTIME') && !event && problems.length === 0
        ? ['A runtime policy needs a criterion on processes, files, network flows or requests']
        : problems;
}

export function isEmptyScope({ cluster, namespace, label, clusterLabel, namespaceLabel }: Scope): boolean {
    return cluster === '' && namespace === '' && [label, clusterLabel, namespaceLabel].every((item) => !item || item.key === '');
}

function resourceProblems({ scope, exclusions }: Draft): string[] {
    return [
        ...(scope.some(isEmptyScope) ? ['An included resource is empty: name a cluster, a namespace or a label, or remove it'] : []),
        ...(exclusions.some(({ deployment, image }) => image === null && (deployment === null || (deployment.name === '' && (deployment.scope === null || isEmptyScope(deployment.scope)))))
            ? ['An excluded resource is empty: name a cluster, a namespace, a deployment or a label, or remove it']
            : []),
        ...(exclusions.some(({ image }) => image !== null && image.name.trim() === '') ? ['An excluded image has no name'] : []),
    ];
}

const PROBLEMS: Record<Step, (draft: Draft) => string[]> = {
    details: detailProblems,
    lifecycle: lifecycleProblems,
    rules: ruleProblems,
    resources: resourceProblems,
    actions: () => [],
};
export const STEPS: readonly Step[] = ['details', 'lifecycle', 'rules', 'resources', 'actions'];

export function problemsOf(step: Step, draft: Draft): string[] {
    return PROBLEMS[step](draft);
}

function labelOrNull(label: KeyValue | null | undefined): KeyValue | null {
    return label && (label.key !== '' || label.value !== '') ? label : null;
}
function sentScope(scope: Scope): Scope {
    return { ...scope, label: labelOrNull(scope.label), clusterLabel: labelOrNull(scope.clusterLabel), namespaceLabel: labelOrNull(scope.namespaceLabel) };
}

/** The policy as Central gets it: trimmed, without empty parts. */
export function toSend(draft: Draft): Policy {
    return {
        ...draft,
        name: draft.name.trim(),
        scope: draft.scope.map(sentScope),
        exclusions: draft.exclusions.map((exclusion) => ({
            ...exclusion,
            deployment: exclusion.deployment && {
                ...exclusion.deployment,
                scope: exclusion.deployment.scope === null || isEmptyScope(exclusion.deployment.scope) ? null : sentScope(exclusion.deployment.scope),
            },
        })),
    };
}
