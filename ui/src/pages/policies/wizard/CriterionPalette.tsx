// The criteria that can be added: by dragging one into a section, or by its button.
import { Button, ExpandableSection, FormGroup, FormSelect, FormSelectOption, SearchInput, Title } from '@patternfly/react-core';
import GripVerticalIcon from '@patternfly/react-icons/dist/esm/icons/grip-vertical-icon';
import { useState } from 'react';

import type { Criterion } from '../criteria';
import { palette } from '../criteria';
import type { Draft } from '../draft';

/** The kind of data that a dragged criterion carries. */
export const CRITERION_TYPE = 'application/x-policy-criterion';

interface Props {
    draft: Draft;
    /** The section that the buttons add to. */
    target: number;
    onTarget: (index: number) => void;
    onAdd: (criterion: Criterion) => void;
    /** What the last addition did, for those who do not see it. */
    said: string;
}

export function CriterionPalette({ draft, target, onTarget, onAdd, said }: Props) {
    const [search, setSearch] = useState('');
    const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
    const groups = palette(draft, search);
    const toggle = (title: string) => {
        const next = new Set(open);
        if (!next.delete(title)) {
            next.add(title);
        }
        setOpen(next);
    };
    return (
        <aside className="rox-palette" aria-label="Criteria">
            <Title headingLevel="h3" size="md">
                Criteria
            </Title>
            <p className="rox-subtle">Drag a criterion into a section, or add it to the section chosen here.</p>
            <FormGroup label="Add to" fieldId="criterion-target">
                <FormSelect id="criterion-target" value={target} onChange={(_event, value) => onTarget(Number(value))}>
                    {draft.policySections.map(({ sectionName }, index) => (
                        <FormSelectOption key={index} value={index} label={sectionName || `Section ${index + 1}`} />
                    ))}
                </FormSelect>
            </FormGroup>
            <SearchInput aria-label="Search criteria" placeholder="Search criteria" value={search} onChange={(_event, value) => setSearch(value)} onClear={() => setSearch('')} />
            {groups.map(([title, criteria]) => (
                <ExpandableSection key={title} toggleText={title} isExpanded={search.trim() !== '' || open.has(title)} onToggle={() => toggle(title)}>
                    <ul className="rox-criteria-list">
                        {criteria.map((criterion) => (
                            <li
                                key={criterion.name}
                                draggable
                                onDragStart={(event) => {
                                    event.dataTransfer.setData(CRITERION_TYPE, criterion.name);
                                    event.dataTransfer.effectAllowed = 'copy';
                                }}
                            >
                                <GripVerticalIcon aria-hidden="true" />
                                <span>{criterion.name}</span>
                                <Button variant="link" isInline aria-label={`Add ${criterion.name}`} onClick={() => onAdd(criterion)}>
                                    Add
                                </Button>
                            </li>
                        ))}
                    </ul>
                </ExpandableSection>
            ))}
            {groups.length === 0 && <p>No criterion matches.</p>}
            <p className="rox-said" role="status">
                {said}
            </p>
        </aside>
    );
}
