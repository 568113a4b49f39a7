// The browser's title and the head of a page.
import { Content, PageSection, Split, SplitItem, Title } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useEffect } from 'react';

export const BRAND = 'PyRox';

export function usePageTitle(title: string): void {
    useEffect(() => {
        document.title = `${title} | ${BRAND}`;
    }, [title]);
}

interface Props {
    title: string;
    description?: ReactNode;
    actions?: ReactNode;
    labels?: ReactNode;
}

export function PageHead({ title, description, actions, labels }: Props) {
    usePageTitle(title);
    return (
        <PageSection>
            <Split hasGutter isWrappable>
                <SplitItem isFilled>
                    <Title headingLevel="h1">{title}</Title>
                    {labels !== undefined && <div className="rox-labels">{labels}</div>}
                    {description !== undefined && <Content component="p">{description}</Content>}
                </SplitItem>
                {actions !== undefined && <SplitItem>{actions}</SplitItem>}
            </Split>
        </PageSection>
    );
}
