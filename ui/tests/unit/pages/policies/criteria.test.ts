import { describe, expect, it } from 'vitest';

import { CATEGORIES, CRITERIA, booleanLabel, criterionOf, isAvailable, optionLabel, optionsOf, palette } from '@/pages/policies/criteria';
import type { Stages } from '@/pages/policies/criteria';

const BUILD: Stages = { lifecycleStages: ['BUILD'], eventSource: 'NOT_APPLICABLE' };
const DEPLOY: Stages = { lifecycleStages: ['DEPLOY'], eventSource: 'NOT_APPLICABLE' };
const BOTH: Stages = { lifecycleStages: ['BUILD', 'DEPLOY'], eventSource: 'NOT_APPLICABLE' };
const onEvents = (eventSource: string): Stages => ({ lifecycleStages: ['RUNTIME'], eventSource });
const named = (name: string) => criterionOf(name) ?? CRITERIA[0]!;

describe('the palette', () => {
    it('has every criterion of the engine once', () => {
        const names = CATEGORIES.flatMap(([, list]) => list);
        expect([...names].sort()).toEqual(CRITERIA.map(({ name }) => name).sort());
        expect(new Set(names).size).toBe(79);
    });
    it.each([
        ['Privileged Container', DEPLOY, true],
        ['Privileged Container', BUILD, false],
        ['Privileged Container', BOTH, false],
        ['Privileged Container', onEvents('DEPLOYMENT_EVENT'), true],
        ['Privileged Container', onEvents('AUDIT_LOG_EVENT'), false],
        ['CVE', BOTH, true],
        ['Process Name', DEPLOY, false],
        ['Process Name', onEvents('DEPLOYMENT_EVENT'), true],
        ['Process Name', onEvents('NODE_EVENT'), true],
        ['Unexpected Process Executed', onEvents('NODE_EVENT'), false],
        ['Kubernetes API Verb', onEvents('AUDIT_LOG_EVENT'), true],
        ['Kubernetes API Verb', onEvents('DEPLOYMENT_EVENT'), false],
        ['CVE', { lifecycleStages: [], eventSource: 'NOT_APPLICABLE' }, false],
    ] as const)('%s in %j: %s', (name, stages, expected) => {
        expect(isAvailable(named(name), { ...stages, lifecycleStages: [...stages.lifecycleStages] })).toBe(expected);
    });
    it.each([
        ['AUDIT_LOG_EVENT', 8],
        ['NODE_EVENT', 6],
        ['DEPLOYMENT_EVENT', 74],
    ])('offers for %s as many criteria as upstream: %s', (source, count) => {
        expect(palette(onEvents(source), '').flatMap(([, list]) => list)).toHaveLength(count);
    });
    it('is searched by name and by category', () => {
        expect(palette(DEPLOY, 'replic').map(([title, list]) => [title, list.map(({ name }) => name)])).toEqual([['Deployment metadata', ['Replicas']]]);
        expect(palette(DEPLOY, 'storage')[0]?.[1]).toHaveLength(7);
        expect(palette(DEPLOY, 'no such thing')).toEqual([]);
    });
});

describe('closed sets', () => {
    it('depend on the event source', () => {
        expect(optionsOf(named('Kubernetes Resource'), 'DEPLOYMENT_EVENT')).toContain('PODS_EXEC');
        expect(optionsOf(named('Kubernetes Resource'), 'AUDIT_LOG_EVENT')).toContain('SECRETS');
    });
    it('leave out what no port has', () => {
        expect(optionsOf(named('Port Exposure Method'), 'NOT_APPLICABLE')).toEqual(['EXTERNAL', 'NODE', 'HOST', 'INTERNAL', 'ROUTE']);
    });
    it('are worded, capabilities are not', () => {
        expect(optionLabel(named('Kubernetes Resource'), 'PODS_EXEC')).toBe('Pod exec');
        expect(optionLabel(named('Minimum RBAC Permissions'), 'ELEVATED_CLUSTER_WIDE')).toBe('Elevated cluster wide');
        expect(optionLabel(named('Add Capabilities'), 'SYS_ADMIN')).toBe('SYS_ADMIN');
    });
    it('word both values of booleans', () => {
        expect([booleanLabel('Read-Only Root Filesystem', true), booleanLabel('Writable Host Mount', true), booleanLabel('Other', false)]).toEqual(['Read-only', 'Writable', 'False']);
    });
});
