// The head of the two pages of policy management.
import { PageSection, Tab, TabTitleText, Tabs } from '@patternfly/react-core';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { PageHead } from '@/components/PageTitle';

const PAGES = [
    ['policies', 'Policies', '/main/policy-management/policies'],
    ['policy-categories', 'Policy categories', '/main/policy-management/policy-categories'],
] as const;

interface Props {
    page: (typeof PAGES)[number][0];
    actions?: ReactNode;
    children: ReactNode;
}

export function PolicyArea({ page, actions, children }: Props) {
    const navigate = useNavigate();
    return (
        <>
            <PageHead title="Policy management" description="Policies find risky images, deployments and activity, and may refuse them." actions={actions} />
            <PageSection type="tabs">
                <Tabs
                    activeKey={page}
                    aria-label="Parts of policy management"
                    onSelect={(_event, key) => void navigate({ to: PAGES.find(([name]) => name === key)?.[2] ?? PAGES[0][2], search: {} })}
                >
                    {PAGES.map(([key, title]) => (
                        <Tab key={key} eventKey={key} tabContentId="policy-area" title={<TabTitleText>{title}</TabTitleText>} />
                    ))}
                </Tabs>
            </PageSection>
            <PageSection id="policy-area" isFilled>
                {children}
            </PageSection>
        </>
    );
}
