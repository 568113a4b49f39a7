import { Breadcrumb, BreadcrumbItem, PageSection } from '@patternfly/react-core';
import { Link } from '@tanstack/react-router';

interface Props {
    to: string;
    parent: string;
    current: string;
    search?: Record<string, unknown>;
}

export function Crumbs({ to, parent, current, search }: Props) {
    return (
        <PageSection type="breadcrumb">
            <Breadcrumb ouiaId="breadcrumb">
                <BreadcrumbItem render={({ className, ariaCurrent }) => (
                    <Link to={to} search={search} className={className} aria-current={ariaCurrent}>
                        {parent}
                    </Link>
                )} />
                <BreadcrumbItem isActive>{current}</BreadcrumbItem>
            </Breadcrumb>
        </PageSection>
    );
}
