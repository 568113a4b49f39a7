// A multi-select of a few values of one field: "CVE severity", "CVE status".
import { Badge, MenuToggle, Select, SelectList, SelectOption } from '@patternfly/react-core';
import { useState } from 'react';

import type { SearchFilter } from '@/lib/query';
import { withToggled } from '@/lib/query';

import type { FilterOption } from './Filter';

interface Props {
    label: string;
    field: string;
    options: readonly FilterOption[];
    filter: SearchFilter;
    onChange: (filter: SearchFilter) => void;
}

export function QuickFilter({ label, field, options, filter, onChange }: Props) {
    const [open, setOpen] = useState(false);
    const chosen = filter[field] ?? [];
    return (
        <Select
            role="menu"
            isOpen={open}
            onOpenChange={setOpen}
            onSelect={(_event, value) => onChange(withToggled(filter, field, String(value)))}
            toggle={(ref) => (
                <MenuToggle
                    ref={ref}
                    isExpanded={open}
                    onClick={() => setOpen(!open)}
                    badge={chosen.length > 0 ? <Badge isRead>{chosen.length}</Badge> : undefined}
                >
                    {label}
                </MenuToggle>
            )}
        >
            <SelectList aria-label={label}>
                {options.map((option) => (
                    <SelectOption key={option.value} hasCheckbox value={option.value} isSelected={chosen.includes(option.value)}>
                        {option.label}
                    </SelectOption>
                ))}
            </SelectList>
        </Select>
    );
}
