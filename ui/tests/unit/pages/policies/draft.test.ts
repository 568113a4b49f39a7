import { describe, expect, it } from 'vitest';

import type { Policy, PolicySection } from '@/api/rest';
import { criterionOf } from '@/pages/policies/criteria';
import {
    NO_SCOPE, actionsOf, cannotAdd, cannotEnforce, draftOf, emptyDraft, isEnforcedAt, problemsOf, toSend, withCriterion, withEnforcement, withGroup, withSection,
    withStages, withoutGroup, withoutSection,
} from '@/pages/policies/draft';
import type { Draft } from '@/pages/policies/draft';

const group = (fieldName: string, ...values: string[]) => ({ fieldName, booleanOperator: 'OR' as const, negate: false, values: values.map((value) => ({ value })) });
const section = (...groups: PolicySection['policyGroups']): PolicySection => ({ sectionName: 'Rule 1', policyGroups: groups });
const draft = (change: Partial<Draft> = {}): Draft => ({ ...emptyDraft(), name: 'A policy', categories: ['Privileges'], lifecycleStages: ['DEPLOY'], ...change });

describe('a draft', () => {
    it('of a clone has no identity and no locks', () => {
        const policy: Policy = { ...draft(), id: 'p', isDefault: true, criteriaLocked: true, mitreVectorsLocked: true, source: 'DECLARATIVE', policySections: [] };
        expect(draftOf(policy, 'clone')).toMatchObject({ id: '', name: 'A policy (COPY)', isDefault: false, criteriaLocked: false, mitreVectorsLocked: false, source: 'IMPERATIVE' });
        expect(draftOf(policy, 'clone').policySections).toHaveLength(1);
        expect(draftOf({ ...policy, name: 'n'.repeat(128) }, 'clone').name).toHaveLength(128);
    });
    it('of an edit is the policy', () => {
        const policy = draft({ id: 'p', criteriaLocked: true });
        expect(draftOf(policy, 'edit')).toEqual(policy);
    });
    it('of a search has a severity', () => {
        expect(draftOf({ ...draft(), severity: 'UNSET_SEVERITY' }, 'generate').severity).toBe('LOW_SEVERITY');
    });
});

describe('rules', () => {
    const privileged = criterionOf('Privileged Container')!;
    it('take a criterion once a section', () => {
        const sections = withCriterion([section()], 0, privileged);
        expect(sections[0]?.policyGroups).toEqual([group('Privileged Container', 'true')]);
        expect(cannotAdd(sections[0], privileged, draft())).toMatch(/already in this section/);
        expect(cannotAdd(section(), privileged, draft({ lifecycleStages: ['BUILD'] }))).toMatch(/not available/);
        expect(cannotAdd(undefined, privileged, draft())).toBeDefined();
        expect(cannotAdd(section(), privileged, draft())).toBeUndefined();
    });
    it('change one group and leave the others', () => {
        const sections = [section(group('Host PID', 'true'), group('Host IPC', 'true')), section(group('Host PID', 'true'))];
        const changed = withGroup(sections, 0, 1, { negate: true });
        expect(changed[0]?.policyGroups[1]?.negate).toBe(true);
        expect([changed[0]?.policyGroups[0], changed[1]]).toEqual([sections[0]?.policyGroups[0], sections[1]]);
        expect(withoutGroup(sections, 0, 0)[0]?.policyGroups.map(({ fieldName }) => fieldName)).toEqual(['Host IPC']);
    });
    it('come and go by section', () => {
        const two = withSection([section()]);
        expect(two.map(({ sectionName }) => sectionName)).toEqual(['Rule 1', 'Rule 2']);
        expect(withoutSection(two, 0).map(({ sectionName }) => sectionName)).toEqual(['Rule 2']);
    });
    it('are cleared by another life cycle, with what it does not allow', () => {
        const image = { name: '', deployment: null, image: { name: 'x' }, expiration: null };
        const before = draft({ policySections: [section(group('Host PID', 'true'))], exclusions: [image], enforcementActions: ['SCALE_TO_ZERO_ENFORCEMENT'] });
        const after = withStages(before, ['RUNTIME'], 'NODE_EVENT');
        expect(after).toMatchObject({ eventSource: 'NODE_EVENT', exclusions: [], enforcementActions: [] });
        expect(after.policySections[0]?.policyGroups).toEqual([]);
        expect(withStages(before, ['BUILD'], 'NODE_EVENT')).toMatchObject({ eventSource: 'NOT_APPLICABLE', exclusions: [image] });
    });
});

describe('enforcement', () => {
    it.each([
        ['BUILD', ['FAIL_BUILD_ENFORCEMENT']],
        ['DEPLOY', ['SCALE_TO_ZERO_ENFORCEMENT', 'UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT']],
        ['RUNTIME', ['KILL_POD_ENFORCEMENT']],
    ] as const)('at %s', (stage, actions) => {
        const on = withEnforcement(draft(), stage, true);
        expect(on.enforcementActions).toEqual(actions);
        expect([isEnforcedAt(on, stage), isEnforcedAt(withEnforcement(on, stage, false), stage)]).toEqual([true, false]);
    });
    it('refuses Kubernetes requests instead of killing pods', () => {
        expect(actionsOf(draft({ policySections: [section(group('Kubernetes Resource', 'PODS_EXEC'))] }), 'RUNTIME')).toEqual(['FAIL_KUBE_REQUEST_ENFORCEMENT']);
    });
    it.each([
        [draft(), true],
        [draft({ eventSource: 'AUDIT_LOG_EVENT' }), false],
        [draft({ eventSource: 'NODE_EVENT' }), false],
        [draft({ policySections: [section(group('Has Ingress Network Policy', 'false'))] }), false],
    ])('%# is possible: %s', (item, possible) => {
        expect(cannotEnforce(item) === undefined).toBe(possible);
    });
});

describe('problems', () => {
    it.each([
        [{ name: 'abcd' }, 1], [{ name: 'abcde' }, 0], [{ name: 'with $ign' }, 1], [{ categories: [] }, 1], [{ description: 'x'.repeat(801) }, 1],
    ])('of details %j: %s', (change, count) => {
        expect(problemsOf('details', draft(change))).toHaveLength(count);
    });
    it('of the life cycle', () => {
        expect(problemsOf('lifecycle', draft({ lifecycleStages: [] }))).toHaveLength(1);
        expect(problemsOf('lifecycle', draft({ lifecycleStages: ['RUNTIME'] }))).toEqual(['Choose an event source']);
        expect(problemsOf('lifecycle', draft())).toEqual([]);
    });
    it.each([
        [[], 'DEPLOY', 'NOT_APPLICABLE', /Add a section/],
        [[section()], 'DEPLOY', 'NOT_APPLICABLE', /no criterion/],
        [[section(group('Image Age', 'x'))], 'DEPLOY', 'NOT_APPLICABLE', /whole number/],
        [[section(group('Host PID'))], 'DEPLOY', 'NOT_APPLICABLE', /has no value/],
        [[section(group('No Such', 'x'))], 'DEPLOY', 'NOT_APPLICABLE', /not a criterion/],
        [[section(group('Host PID', 'true'))], 'RUNTIME', 'DEPLOYMENT_EVENT', /runtime policy needs/],
        [[section(group('Kubernetes User Name', 'x'))], 'RUNTIME', 'DEPLOYMENT_EVENT', /also needs Kubernetes Resource/],
        [[section(group('Kubernetes Resource', 'SECRETS'))], 'RUNTIME', 'AUDIT_LOG_EVENT', /needs Kubernetes API Verb/],
        [[section(group('Process Name', 'x'))], 'RUNTIME', 'NODE_EVENT', /needs File Path/],
    ] as const)('of rules %#', (policySections, stage, eventSource, expected) => {
        expect(problemsOf('rules', draft({ policySections: [...policySections], lifecycleStages: [stage], eventSource })).join()).toMatch(expected);
    });
    it('of right rules are none', () => {
        expect(problemsOf('rules', draft({ policySections: [section(group('Host PID', 'true'), group('Image Age', '90'))] }))).toEqual([]);
    });
    it('of resources without content', () => {
        const out = { name: '', deployment: { name: '', scope: NO_SCOPE }, image: null, expiration: null };
        expect(problemsOf('resources', draft({ scope: [NO_SCOPE], exclusions: [out] }))).toHaveLength(2);
        expect(problemsOf('resources', draft({ scope: [{ ...NO_SCOPE, namespace: 'n' }], exclusions: [{ ...out, deployment: { name: 'd', scope: null } }] }))).toEqual([]);
        expect(problemsOf('resources', draft({ exclusions: [{ ...out, deployment: null, image: { name: ' ' } }] }))).toHaveLength(1);
    });
});

describe('what is sent', () => {
    it('is trimmed and has no empty parts', () => {
        const sent = toSend(
            draft({
                name: '  A policy ',
                scope: [{ ...NO_SCOPE, namespace: 'n', label: { key: '', value: '' } }],
                exclusions: [{ name: '', deployment: { name: 'd', scope: NO_SCOPE }, image: null, expiration: null }],
            })
        );
        expect(sent.name).toBe('A policy');
        expect(sent.scope).toEqual([{ ...NO_SCOPE, namespace: 'n' }]);
        expect(sent.exclusions[0]?.deployment).toEqual({ name: 'd', scope: null });
    });
});
