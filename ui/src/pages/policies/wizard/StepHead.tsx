import { Content, Title } from '@patternfly/react-core';
import type { ReactNode } from 'react';

export function StepHead({ title, children }: { title: string; children?: ReactNode }) {
    return (
        <div className="rox-step-head">
            <Title headingLevel="h2">{title}</Title>
            {children !== undefined && <Content component="p">{children}</Content>}
        </div>
    );
}
