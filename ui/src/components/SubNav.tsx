// The horizontal navigation above the pages of one area.
import { Nav, NavItem, NavList, PageSection } from '@patternfly/react-core';
import { Link } from '@tanstack/react-router';

export interface SubNavItem {
    title: string;
    to: string;
    search?: Record<string, unknown>;
    active: boolean;
}

export function SubNav({ label, items }: { label: string; items: readonly SubNavItem[] }) {
    return (
        <PageSection type="subnav">
            <Nav variant="horizontal-subnav" aria-label={label}>
                <NavList>
                    {items.map(({ title, to, search, active }) => (
                        <NavItem key={title} isActive={active}>
                            <Link to={to} search={(search ?? {}) as never} aria-current={active ? 'page' : undefined} activeProps={{}}>
                                {title}
                            </Link>
                        </NavItem>
                    ))}
                </NavList>
            </Nav>
        </PageSection>
    );
}
