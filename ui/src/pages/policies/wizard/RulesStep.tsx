// The rules of a policy: sections, of which any may hold; in each, criteria that must all hold.
import { Alert, Button, Card, CardBody, CardHeader, CardTitle, Checkbox, TextInput, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import MinusCircleIcon from '@patternfly/react-icons/dist/esm/icons/minus-circle-icon';
import PlusCircleIcon from '@patternfly/react-icons/dist/esm/icons/plus-circle-icon';
import TrashIcon from '@patternfly/react-icons/dist/esm/icons/trash-icon';
import type { DragEvent } from 'react';
import { Fragment, useState } from 'react';

import type { PolicyGroup, PolicySection } from '@/api/rest';

import type { Criterion } from '../criteria';
import { criterionOf } from '../criteria';
import { cannotAdd, withCriterion, withGroup, withSection, withSectionName, withoutGroup, withoutSection } from '../draft';
import { firstValue } from '../values';

import { CRITERION_TYPE, CriterionPalette } from './CriterionPalette';
import { StepHead } from './StepHead';
import { ValueInput } from './ValueInput';
import type { StepProps } from './step';

export function RulesStep({ draft, onChange }: StepProps) {
    const sections = draft.policySections;
    const [target, setTarget] = useState(0);
    const [said, setSaid] = useState('');
    const into = Math.min(target, sections.length - 1);
    const locked = draft.criteriaLocked;
    const change = (policySections: PolicySection[]) => onChange({ ...draft, policySections });
    const add = (index: number, criterion: Criterion) => {
        const section = sections[index];
        const refusal = cannotAdd(section, criterion, draft);
        setSaid(refusal ?? `${criterion.name} added to ${section?.sectionName || `section ${index + 1}`}`);
        if (refusal === undefined) {
            setTarget(index);
            change(withCriterion(sections, index, criterion));
        }
    };
    return (
        <>
            <StepHead title="Rules">
                A policy is violated when all criteria of at least one of its sections hold for the same object.
            </StepHead>
            {locked && (
                <Alert isInline variant="info" component="p" title="The rules of this system policy cannot be changed. Clone the policy to change them." />
            )}
            <div className={locked ? undefined : 'rox-rules'}>
                <div className="rox-stack rox-sections">
                    {sections.map((section, index) => (
                        // Sections have no id; their order is theirs alone.
                        <Fragment key={index}>
                            {index > 0 && <div className="rox-operator">OR</div>}
                            <SectionCard
                                section={section}
                                index={index}
                                sections={sections}
                                eventSource={draft.eventSource}
                                isDisabled={locked}
                                onChange={change}
                                onAdd={(criterion) => add(index, criterion)}
                            />
                        </Fragment>
                    ))}
                    {!locked && (
                        <div>
                            <Button
                                variant="secondary"
                                icon={<PlusCircleIcon />}
                                onClick={() => {
                                    setTarget(sections.length);
                                    change(withSection(sections));
                                }}
                            >
                                Add section
                            </Button>
                        </div>
                    )}
                </div>
                {!locked && (
                    <CriterionPalette
                        draft={draft}
                        target={into}
                        onTarget={setTarget}
                        onAdd={(criterion) => add(into, criterion)}
                        said={said}
                    />
                )}
            </div>
        </>
    );
}

interface SectionProps {
    section: PolicySection;
    index: number;
    sections: readonly PolicySection[];
    eventSource: string;
    isDisabled: boolean;
    onChange: (sections: PolicySection[]) => void;
    onAdd: (criterion: Criterion) => void;
}

function SectionCard({ section, index, sections, eventSource, isDisabled, onChange, onAdd }: SectionProps) {
    const [over, setOver] = useState(false);
    const title = section.sectionName || `Section ${index + 1}`;
    const hover = (event: DragEvent) => {
        if (!isDisabled && event.dataTransfer.types.includes(CRITERION_TYPE)) {
            event.preventDefault();
            setOver(true);
        }
    };
    const drop = (event: DragEvent) => {
        event.preventDefault();
        setOver(false);
        const criterion = criterionOf(event.dataTransfer.getData(CRITERION_TYPE));
        if (criterion !== undefined && !isDisabled) {
            onAdd(criterion);
        }
    };
    return (
        <div role="group" aria-label={`Section ${title}`} onDragOver={hover} onDragEnter={hover} onDragLeave={() => setOver(false)} onDrop={drop}>
            <Card isCompact className={over ? 'rox-drop-over' : undefined}>
                <CardHeader
                    actions={
                        isDisabled || sections.length === 1
                            ? undefined
                            : {
                                  hasNoOffset: true,
                                  actions: (
                                      <Button variant="plain" aria-label={`Remove section ${title}`} icon={<TrashIcon />} onClick={() => onChange(withoutSection(sections, index))} />
                                  ),
                              }
                    }
                >
                    <CardTitle component="h3">
                        <TextInput
                            aria-label={`Name of section ${index + 1}`}
                            className="rox-section-name"
                            value={section.sectionName}
                            isDisabled={isDisabled}
                            maxLength={100}
                            placeholder={`Section ${index + 1}`}
                            onChange={(_event, name) => onChange(withSectionName(sections, index, name))}
                        />
                    </CardTitle>
                </CardHeader>
                <CardBody className="rox-stack">
                    {section.policyGroups.map((group, position) => (
                        <Fragment key={group.fieldName}>
                            {position > 0 && <div className="rox-operator">AND</div>}
                            <Group
                                group={group}
                                section={title}
                                eventSource={eventSource}
                                isDisabled={isDisabled}
                                onChange={(next) => onChange(withGroup(sections, index, position, next))}
                                onRemove={() => onChange(withoutGroup(sections, index, position))}
                            />
                        </Fragment>
                    ))}
                    {!isDisabled && (
                        <div className="rox-drop">
                            {section.policyGroups.length === 0 ? 'Drag a criterion here, or choose Add in the list of criteria.' : 'Drag another criterion here'}
                        </div>
                    )}
                </CardBody>
            </Card>
        </div>
    );
}

interface GroupProps {
    group: PolicyGroup;
    section: string;
    eventSource: string;
    isDisabled: boolean;
    onChange: (change: Partial<PolicyGroup>) => void;
    onRemove: () => void;
}

function Group({ group, section, eventSource, isDisabled, onChange, onRemove }: GroupProps) {
    const { fieldName, negate, booleanOperator, values } = group;
    const criterion = criterionOf(fieldName);
    const setValue = (at: number, value: string) => onChange({ values: values.map((item, index) => (index === at ? { value } : item)) });
    const id = `${section}-${fieldName}`.replaceAll(/\W+/g, '-');
    return (
        <div role="group" aria-label={`${fieldName} in ${section}`} className="rox-group">
            <div className="rox-row">
                <strong>{fieldName}</strong>
                <div className="rox-inline">
                    {criterion?.negatable && (
                        <Checkbox id={`not-${id}`} label="Not" aria-label={`Not ${fieldName} in ${section}`} isChecked={negate} isDisabled={isDisabled} onChange={(_event, next) => onChange({ negate: next })} />
                    )}
                    {!isDisabled && <Button variant="plain" size="sm" aria-label={`Remove ${fieldName} from ${section}`} icon={<TrashIcon />} onClick={onRemove} />}
                </div>
            </div>
            {values.map(({ value }, index) => (
                <Fragment key={index}>
                    {index > 0 && (
                        <Operator name={`${fieldName} in ${section}`} operator={booleanOperator} isDisabled={isDisabled || criterion?.orOnly === true} onChange={(next) => onChange({ booleanOperator: next })} />
                    )}
                    <div className="rox-inline rox-grow">
                        {criterion === undefined ? (
                            <code>{value}</code>
                        ) : (
                            <ValueInput
                                criterion={criterion}
                                eventSource={eventSource}
                                value={value}
                                label={`${fieldName}, value ${index + 1} in ${section}`}
                                isDisabled={isDisabled}
                                onChange={(next) => setValue(index, next)}
                            />
                        )}
                        {!isDisabled && values.length > 1 && (
                            <Button
                                variant="plain"
                                size="sm"
                                aria-label={`Remove value ${index + 1} of ${fieldName} in ${section}`}
                                icon={<MinusCircleIcon />}
                                onClick={() => onChange({ values: values.filter((_item, at) => at !== index) })}
                            />
                        )}
                    </div>
                </Fragment>
            ))}
            {criterion !== undefined && !criterion.single && !isDisabled && (
                <Button
                    variant="link"
                    isInline
                    icon={<PlusCircleIcon />}
                    aria-label={`Add value to ${fieldName} in ${section}`}
                    onClick={() => onChange({ values: [...values, { value: firstValue(criterion) }] })}
                >
                    Add value
                </Button>
            )}
        </div>
    );
}

interface OperatorProps {
    name: string;
    operator: 'AND' | 'OR';
    isDisabled: boolean;
    onChange: (operator: 'AND' | 'OR') => void;
}

function Operator({ name, operator, isDisabled, onChange }: OperatorProps) {
    return (
        <ToggleGroup isCompact aria-label={`How the values of ${name} are combined`}>
            {(['OR', 'AND'] as const).map((item) => (
                <ToggleGroupItem key={item} text={item} buttonId={undefined} isSelected={operator === item} isDisabled={isDisabled} onChange={() => onChange(item)} />
            ))}
        </ToggleGroup>
    );
}
