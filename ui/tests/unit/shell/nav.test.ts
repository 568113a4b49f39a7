import { describe, expect, it } from 'vitest';

import type { AuthStatus, Cluster } from '@/api/rest';
import { displayName, troubled } from '@/shell/Masthead';
import { isActive, isGroup, visibleNavigation } from '@/shell/nav';
import { mayRead, mayWrite } from '@/shell/permissions';

const titles = (read: (resource: string) => boolean) =>
    visibleNavigation(read).flatMap((item) => (isGroup(item) ? [item.title, ...item.children.map(({ title }) => title)] : [item.title]));

describe('the sidebar', () => {
    it('keeps upstream order', () => {
        expect(titles(() => true)).toEqual(['Dashboard', 'Violations', 'Vulnerability Management', 'Results', 'Risk', 'Platform Configuration', 'Clusters', 'Policy Management']);
    });
    it('leaves out groups without a readable page', () => {
        expect(titles((resource) => resource === 'Cluster')).toEqual(['Dashboard', 'Platform Configuration', 'Clusters']);
    });
    it('knows the page by its address', () => {
        const page = { title: 'Clusters', path: '/main/clusters', needs: [] };
        expect([isActive(page, '/main/clusters/1'), isActive(page, '/main/clusters-else')]).toEqual([true, false]);
    });
});

describe('permissions', () => {
    const permissions = { resourceToAccess: { Alert: 'READ_ACCESS', Cluster: 'READ_WRITE_ACCESS', Image: 'NO_ACCESS' } } as const;
    it('tell reading from writing', () => {
        expect(['Alert', 'Cluster', 'Image', 'Node'].map((item) => mayRead(permissions, item))).toEqual([true, true, false, false]);
        expect(['Alert', 'Cluster'].map((item) => mayWrite(permissions, item))).toEqual([false, true]);
        expect(mayRead(undefined, 'Alert')).toBe(false);
    });
});

describe('the masthead', () => {
    it('names the user as well as it can', () => {
        const status = (change: Partial<AuthStatus>): AuthStatus => ({ userId: 'id', expires: null, userInfo: null, userAttributes: [], ...change });
        expect(displayName(undefined)).toBe('User');
        expect(displayName(status({}))).toBe('id');
        expect(displayName(status({ userAttributes: [{ key: 'name', values: ['Ann'] }] }))).toBe('Ann');
    });
    it('counts clusters with problems', () => {
        const cluster = (overallHealthStatus: string) => ({ healthStatus: { overallHealthStatus } }) as unknown as Cluster;
        expect(troubled([cluster('HEALTHY'), cluster('DEGRADED'), cluster('UNHEALTHY'), cluster('UNINITIALIZED')])).toHaveLength(2);
    });
});
