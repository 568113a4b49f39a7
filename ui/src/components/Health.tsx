import { Icon } from '@patternfly/react-core';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import ExclamationTriangleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon';
import MinusCircleIcon from '@patternfly/react-icons/dist/esm/icons/minus-circle-icon';
import ResourcesEmptyIcon from '@patternfly/react-icons/dist/esm/icons/resources-empty-icon';
import type { ComponentType } from 'react';

import type { Health } from '@/api/rest';
import { sentence } from '@/lib/format';

const LOOK: Record<Health, [ComponentType, 'success' | 'warning' | 'danger' | 'info' | undefined]> = {
    HEALTHY: [CheckCircleIcon, 'success'],
    DEGRADED: [ExclamationTriangleIcon, 'warning'],
    UNHEALTHY: [ExclamationCircleIcon, 'danger'],
    UNAVAILABLE: [MinusCircleIcon, undefined],
    UNINITIALIZED: [ResourcesEmptyIcon, undefined],
};

export function HealthLabel({ health, prefix }: { health: Health | undefined; prefix?: string }) {
    const state = health ?? 'UNINITIALIZED';
    const [Glyph, status] = LOOK[state];
    return (
        <span className="rox-nowrap">
            <Icon status={status}>
                <Glyph />
            </Icon>{' '}
            {prefix !== undefined && `${prefix}: `}
            {sentence(state)}
        </span>
    );
}
