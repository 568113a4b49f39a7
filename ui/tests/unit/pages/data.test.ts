import { describe, expect, it } from 'vitest';

import type { ListAlert, ListPolicy } from '@/api/rest';
import { rankCounts, topCategories } from '@/pages/dashboard/counts';
import { filterPolicies, sortPolicies } from '@/pages/policies/list';
import { expiryText, providerText, sensorText } from '@/pages/clusters/words';
import { entityOf, enforcedText, filterEntities, isResolvable, VIEWS } from '@/pages/violations/views';
import { isWebAddress } from '@/pages/vulnerabilities/SafeLink';
import { shownRanks, sortParam, viewOf } from '@/pages/vulnerabilities/views';
import type { Cluster } from '@/api/rest';

const policy = (change: Partial<ListPolicy>): ListPolicy => ({
    id: 'p', name: 'Latest tag', description: 'images with the latest tag', severity: 'LOW_SEVERITY', disabled: false, lifecycleStages: ['DEPLOY'],
    notifiers: [], lastUpdated: null, eventSource: 'NOT_APPLICABLE', isDefault: true, source: 'IMPERATIVE', ...change,
});

describe('policies', () => {
    const list = [
        policy({ id: '1' }),
        policy({ id: '2', name: 'Apache Struts', severity: 'CRITICAL_SEVERITY', lifecycleStages: ['BUILD', 'DEPLOY'] }),
        policy({ id: '3', name: 'zebra', severity: 'HIGH_SEVERITY', disabled: true }),
    ];
    const ids = (policies: ListPolicy[]) => policies.map(({ id }) => id).join('');
    it.each([
        [{ Policy: ['struts'] }, '2'],
        [{ Policy: ['"Latest tag"'] }, '1'],
        [{ Severity: ['HIGH_SEVERITY', 'LOW_SEVERITY'] }, '13'],
        [{ Disabled: ['true'] }, '3'],
        [{ 'Lifecycle Stage': ['BUILD'] }, '2'],
        [{ Policy: ['a'], Disabled: ['false'] }, '12'],
        [{ 'No such field': ['x'] }, '123'],
    ])('filter by %j', (filter, expected) => {
        expect(ids(filterPolicies(list, filter))).toBe(expected);
    });
    it.each([
        ['Policy', 'asc', '213'],
        ['Severity', 'desc', '231'],
        ['Status', 'asc', '321'],
    ] as const)('sort by %s %s', (field, direction, expected) => {
        expect(ids(sortPolicies(list, { field, direction }))).toBe(expected);
    });
});

const alert = (change: Partial<ListAlert>): ListAlert => ({
    id: 'a', lifecycleStage: 'DEPLOY', time: null, policy: null, state: 'ACTIVE', enforcementCount: 0, enforcementAction: 'UNSET_ENFORCEMENT',
    commonEntityInfo: { clusterName: 'c', namespace: 'n', clusterId: '', resourceType: 'SECRETS' }, ...change,
});

describe('violations', () => {
    it.each([
        [alert({ lifecycleStage: 'RUNTIME' }), true],
        [alert({ lifecycleStage: 'RUNTIME', state: 'RESOLVED' }), false],
        [alert({ state: 'ATTEMPTED' }), true],
        [alert({}), false],
    ])('%# are resolvable only at run time or as attempts', (item, expected) => {
        expect(isResolvable(item)).toBe(expected);
    });
    it('name their entity', () => {
        expect(entityOf(alert({ deployment: { id: '', name: 'web', clusterName: 'c', namespace: 'n', deploymentType: 'DaemonSet', inactive: false } }))).toEqual({ name: 'web', type: 'DaemonSet', location: 'c / n' });
        expect(entityOf(alert({ node: { name: 'n1' } })).type).toBe('Node');
        expect(entityOf(alert({ resource: { name: 's' } }))).toEqual({ name: 's', type: 'Secrets', location: 'c / n' });
    });
    it('say how they were enforced', () => {
        expect(enforcedText(alert({}))).toBe('No');
        expect(enforcedText(alert({ state: 'ATTEMPTED' }))).toBe('Yes');
        expect(enforcedText(alert({ enforcementAction: 'KILL_POD_ENFORCEMENT', enforcementCount: 3 }))).toBe('3 times');
    });
    it('filter by node only where nodes are', () => {
        const labels = VIEWS.map((view) => filterEntities(view).some(({ label }) => label === 'Node'));
        expect(labels).toEqual([false, false, true, true]);
    });
});

describe('dashboard counts', () => {
    const groups = [
        { group: 'A', counts: [{ severity: 'HIGH_SEVERITY' as const, count: '12' }, { severity: 'LOW_SEVERITY' as const, count: 30 }] },
        { group: 'B', counts: [{ severity: 'HIGH_SEVERITY' as const, count: '13' }] },
    ];
    it('add counts that arrive as text', () => {
        expect(rankCounts(groups[0])).toEqual({ critical: 0, important: 12, moderate: 0, low: 30, unknown: 0 });
    });
    it('order the categories by what is shown', () => {
        expect(topCategories(groups, new Set()).map(({ category }) => category)).toEqual(['A', 'B']);
        expect(topCategories(groups, new Set(['low'])).map(({ category, total }) => [category, total])).toEqual([['B', 13], ['A', 12]]);
    });
});

describe('vulnerability views', () => {
    it('follow the address', () => {
        expect(viewOf('/main/vulnerabilities/platform/cves/CVE-1').title).toBe('Platform vulnerabilities');
        expect(viewOf('/main/vulnerabilities/else').path).toBe('user-workloads');
    });
    it('hide severities that are filtered out', () => {
        expect(shownRanks({ Severity: ['LOW_VULNERABILITY_SEVERITY'] })).toEqual(['low']);
        expect(shownRanks({})).toHaveLength(5);
    });
    it('write the sort parameter', () => {
        expect(sortParam({ field: 'cve', direction: 'asc' })).toBe('cve');
        expect(sortParam({ field: 'severity', direction: 'desc' })).toBe('-severity');
    });
    it.each([
        ['https://nvd.nist.gov/x', true],
        ['javascript:alert(1)', false],
        ['/relative', false],
    ])('link to %s: %s', (href, expected) => {
        expect(isWebAddress(href)).toBe(expected);
    });
});

describe('cluster words', () => {
    const cluster = (status: Partial<NonNullable<Cluster['status']>> | null) => ({ status }) as unknown as Cluster;
    const now = Date.parse('2026-11-24T00:00:00Z');
    it('tell when credentials end', () => {
        expect(expiryText(cluster({ certExpiryStatus: { sensorCertExpiry: '2026-11-27T00:00:00Z' } }), now)).toBe('in 3 days');
        expect(expiryText(cluster({ certExpiryStatus: { sensorCertExpiry: '2026-11-20T00:00:00Z' } }), now)).toBe('Expired 4 days ago');
        expect(expiryText(cluster(null), now)).toBe('Not available');
    });
    it('name the provider', () => {
        expect(providerText(cluster({ providerMetadata: { region: 'eu', aws: {} } }))).toBe('AWS (eu)');
        expect(providerText(cluster(null))).toBe('Not available');
    });
    it('compare versions', () => {
        expect(sensorText(cluster({ sensorVersionCompatibility: 'SENSOR_VERSION_COMPATIBILITY_INCOMPATIBLE_BEHIND' }))).toBe('Too old');
        expect(sensorText(cluster(null))).toBe('Not applicable');
    });
});
