// Names and values of one object.
import { DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm, Label, LabelGroup } from '@patternfly/react-core';
import type { ReactNode } from 'react';

export type Fact = [name: string, value: ReactNode];

export function Facts({ facts, columns = 1 }: { facts: readonly Fact[]; columns?: 1 | 2 | 3 }) {
    return (
        <DescriptionList isHorizontal={columns === 1} isCompact columnModifier={{ default: '1Col', lg: `${columns}Col` }}>
            {facts.map(([name, value]) => (
                <DescriptionListGroup key={name}>
                    <DescriptionListTerm>{name}</DescriptionListTerm>
                    <DescriptionListDescription>{value === '' || value === null || value === undefined ? '-' : value}</DescriptionListDescription>
                </DescriptionListGroup>
            ))}
        </DescriptionList>
    );
}

export function KeyValues({ values }: { values: Record<string, string> | undefined }) {
    const entries = Object.entries(values ?? {}).sort(([a], [b]) => a.localeCompare(b));
    if (entries.length === 0) {
        return '-';
    }
    return (
        <LabelGroup numLabels={8}>
            {entries.map(([key, value]) => (
                <Label key={key} isCompact variant="outline" textMaxWidth="40ch">
                    {value === '' ? key : `${key}: ${value}`}
                </Label>
            ))}
        </LabelGroup>
    );
}

export function yesNo(value: boolean | undefined): string {
    return value ? 'Yes' : 'No';
}
