// The filter of vulnerability pages: compound filter, the two quick selects, and the chips.
import { Toolbar, ToolbarContent, ToolbarGroup, ToolbarItem } from '@patternfly/react-core';

import type { FilterEntity } from '@/components/Filter';
import { CompoundFilter, FilterChips } from '@/components/Filter';
import { QuickFilter } from '@/components/QuickFilter';
import type { SearchFilter } from '@/lib/query';

import { SEVERITY_OPTIONS, STATUS_OPTIONS } from './views';

interface Props {
    entities: readonly FilterEntity[];
    filter: SearchFilter;
    onChange: (filter: SearchFilter) => void;
}

export function FilterBar({ entities, filter, onChange }: Props) {
    return (
        <Toolbar>
            <ToolbarContent>
                <CompoundFilter entities={entities} filter={filter} onChange={onChange} />
                <ToolbarGroup>
                    <ToolbarItem>
                        <QuickFilter label="CVE severity" field="Severity" options={SEVERITY_OPTIONS} filter={filter} onChange={onChange} />
                    </ToolbarItem>
                    <ToolbarItem>
                        <QuickFilter label="CVE status" field="Fixable" options={STATUS_OPTIONS} filter={filter} onChange={onChange} />
                    </ToolbarItem>
                </ToolbarGroup>
            </ToolbarContent>
            <FilterChips entities={[...entities, { label: 'CVE', attributes: [{ field: 'Severity', label: 'severity', options: SEVERITY_OPTIONS }, { field: 'Fixable', label: 'status', options: STATUS_OPTIONS }] }]} filter={filter} onChange={onChange} />
        </Toolbar>
    );
}
