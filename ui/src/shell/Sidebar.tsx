import { Nav, NavExpandable, NavItem, NavList, PageSidebar, PageSidebarBody } from '@patternfly/react-core';
import { Link, useRouterState } from '@tanstack/react-router';
import { useState } from 'react';

import type { NavGroup, NavPage } from './nav';
import { isActive, isGroup, visibleNavigation } from './nav';
import { usePermissions } from './permissions';

export function PortalSidebar() {
    const { read } = usePermissions();
    const pathname = useRouterState({ select: (state) => state.location.pathname });
    return (
        <PageSidebar>
            <PageSidebarBody>
                <Nav aria-label="Main navigation">
                    <NavList>
                        {visibleNavigation(read).map((item) =>
                            isGroup(item) ? (
                                <Group key={item.title} group={item} pathname={pathname} />
                            ) : (
                                <Entry key={item.path} page={item} pathname={pathname} />
                            )
                        )}
                    </NavList>
                </Nav>
            </PageSidebarBody>
        </PageSidebar>
    );
}

function Entry({ page, pathname }: { page: NavPage; pathname: string }) {
    const active = isActive(page, pathname);
    return (
        <NavItem isActive={active}>
            <Link to={page.path} aria-current={active ? 'page' : undefined} activeProps={{}}>
                {page.title}
            </Link>
        </NavItem>
    );
}

function Group({ group, pathname }: { group: NavGroup; pathname: string }) {
    const active = group.children.some((page) => isActive(page, pathname));
    // Only the group of the current page is open, until the user opens another one.
    const [open, setOpen] = useState<{ on: string; value: boolean }>();
    const isExpanded = open?.on === pathname ? open.value : active;
    return (
        <NavExpandable
            title={group.title}
            isActive={active}
            isExpanded={isExpanded}
            onExpand={(_event, value) => setOpen({ on: pathname, value })}
        >
            {group.children.map((page) => (
                <Entry key={page.path} page={page} pathname={pathname} />
            ))}
        </NavExpandable>
    );
}
