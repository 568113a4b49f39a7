import { Card, CardBody, CardHeader, CardTitle } from '@patternfly/react-core';
import type { ReactNode } from 'react';

export function WidgetCard({ title, link, children }: { title: string; link: ReactNode; children: ReactNode }) {
    return (
        <Card isFullHeight>
            <CardHeader actions={{ actions: link, hasNoOffset: true }}>
                <CardTitle component="h2">{title}</CardTitle>
            </CardHeader>
            <CardBody>
                {children}
            </CardBody>
        </Card>
    );
}
