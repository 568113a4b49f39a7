import { describe, expect, it } from 'vitest';

import type { ExplainedViolation, ListAlert } from '@/api/rest';
import { askedText, explanationAt, objectText, subjectText } from '@/pages/violations/explanation';
import { exclusionsOf, isExcludable } from '@/pages/violations/views';

describe('the words of an explanation', () => {
    it.each([
        [{ criterion: 'CVE', negate: false, operator: 'OR', values: ['a', 'b'] }, 'CVE: a or b'],
        [{ criterion: 'CVE', negate: true, operator: 'AND', values: ['a', 'b'] }, 'Not CVE: a and b'],
    ])('%# ask', (criterion, text) => {
        expect(askedText(criterion)).toBe(text);
    });
    it.each([
        [{ path: '', container: '' }, 'the object as a whole'],
        [{ path: 'containers[0]', container: 'web' }, 'container "web" (containers[0])'],
        [{ path: 'ports[0]', container: '' }, 'ports[0]'],
    ])('name the object %j', (object, text) => {
        expect(objectText(object)).toBe(text);
    });
    it('name what was judged', () => {
        const evaluation = (kind: string, name: string) => ({ subject: { kind, name }, policyId: '', policyName: '', matched: true, sections: [] });
        expect([subjectText(evaluation('kubeEvent', '')), subjectText(evaluation('process', 'sh'))]).toEqual(['Kubernetes request', 'Process "sh"']);
    });
    it('find the explanation of a message by its place among its kind', () => {
        const violation = (kind: ExplainedViolation['kind'], message: string) => ({ kind, message }) as ExplainedViolation;
        const list = [violation('PROCESS', 'p'), violation('VIOLATION', 'a'), violation('VIOLATION', 'b')];
        expect([explanationAt(list, 'VIOLATION', 1)?.message, explanationAt(list, 'PROCESS', 0)?.message, explanationAt(list, 'VIOLATION', 2)]).toEqual(['b', 'p', undefined]);
    });
});

const alert = (change: Partial<ListAlert> = {}): ListAlert => ({
    id: 'a', lifecycleStage: 'DEPLOY', time: null, policy: { id: 'p', name: '', severity: 'LOW_SEVERITY', description: '', categories: [] }, state: 'ACTIVE',
    enforcementCount: 0, enforcementAction: 'UNSET_ENFORCEMENT', commonEntityInfo: { clusterName: 'c', namespace: 'n', clusterId: 'cid', resourceType: 'DEPLOYMENT' },
    deployment: { id: 'd', name: 'web', clusterName: 'c', namespace: 'n', deploymentType: 'Deployment', inactive: false }, ...change,
});

describe('exclusions', () => {
    it('are for deployments that exist', () => {
        expect([alert(), alert({ deployment: null }), alert({ enforcementAction: 'FAIL_DEPLOYMENT_CREATE_ENFORCEMENT' }), alert({ policy: null })].map(isExcludable)).toEqual([true, false, false, false]);
    });
    it('name a deployment once for each policy, in its cluster and namespace', () => {
        const other = alert({ id: 'c', policy: { id: 'q', name: '', severity: 'LOW_SEVERITY', description: '', categories: [] } });
        const made = exclusionsOf([alert(), alert({ id: 'b' }), other]);
        expect([...made].map(([id, list]) => [id, list.length])).toEqual([['p', 1], ['q', 1]]);
        expect(made.get('p')?.[0]).toEqual({ name: '', deployment: { name: 'web', scope: { cluster: 'cid', namespace: 'n', label: null } }, image: null, expiration: null });
    });
});
