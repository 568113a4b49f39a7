// The sidebar: upstream's order and captions, less the pages that are not served yet.

export interface NavPage {
    title: string;
    path: string;
    /** All of these must be readable. */
    needs: readonly string[];
}

export interface NavGroup {
    title: string;
    children: readonly NavPage[];
}

export const NAVIGATION: readonly (NavPage | NavGroup)[] = [
    { title: 'Dashboard', path: '/main/dashboard', needs: [] },
    { title: 'Violations', path: '/main/violations', needs: ['Alert'] },
    {
        title: 'Vulnerability Management',
        children: [{ title: 'Results', path: '/main/vulnerabilities', needs: ['Deployment', 'Image'] }],
    },
    { title: 'Risk', path: '/main/risk', needs: ['Deployment'] },
    {
        title: 'Platform Configuration',
        children: [
            { title: 'Clusters', path: '/main/clusters', needs: ['Cluster'] },
            { title: 'Policy Management', path: '/main/policy-management', needs: ['WorkflowAdministration'] },
        ],
    },
];

export function isGroup(item: NavPage | NavGroup): item is NavGroup {
    return 'children' in item;
}

/** The entries that the user may see; a group without any is left out. */
export function visibleNavigation(read: (resource: string) => boolean): (NavPage | NavGroup)[] {
    const allowed = (page: NavPage) => page.needs.every(read);
    return NAVIGATION.flatMap((item): (NavPage | NavGroup)[] => {
        if (!isGroup(item)) {
            return allowed(item) ? [item] : [];
        }
        const children = item.children.filter(allowed);
        return children.length === 0 ? [] : [{ ...item, children }];
    });
}

export function isActive(page: NavPage, pathname: string): boolean {
    return pathname === page.path || pathname.startsWith(`${page.path}/`);
}
