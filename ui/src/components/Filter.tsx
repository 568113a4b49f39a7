// The compound filter: entity, attribute, value; chips of what is applied below it.
import { Button, FormSelect, FormSelectOption, InputGroup, InputGroupItem, Label, LabelGroup, TextInput, ToolbarGroup, ToolbarItem } from '@patternfly/react-core';
import SearchIcon from '@patternfly/react-icons/dist/esm/icons/search-icon';
import { useQuery } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { useDeferredValue, useState } from 'react';

import { queries } from '@/api/queries';
import type { SearchFilter } from '@/lib/query';
import { isEmpty, withValue, withoutValue } from '@/lib/query';

export interface FilterOption {
    value: string;
    label: string;
}

export interface FilterAttribute {
    /** Upstream's search field, also the key in the address. */
    field: string;
    label: string;
    /** Closed sets choose from a list; everything else is text. */
    options?: readonly FilterOption[];
    /** The search category that suggests values. */
    suggest?: string;
    /** An example of the value, for number and time fields. */
    example?: string;
}

export interface FilterEntity {
    label: string;
    attributes: readonly FilterAttribute[];
}

interface Props {
    entities: readonly FilterEntity[];
    filter: SearchFilter;
    onChange: (filter: SearchFilter) => void;
}

export function CompoundFilter({ entities, filter, onChange }: Props) {
    const [entityLabel, setEntityLabel] = useState(entities[0]?.label ?? '');
    const [attributeLabel, setAttributeLabel] = useState('');
    const entity = entities.find((item) => item.label === entityLabel) ?? entities[0];
    const attribute = entity?.attributes.find((item) => item.label === attributeLabel) ?? entity?.attributes[0];
    if (entity === undefined || attribute === undefined) {
        return null;
    }
    return (
        <ToolbarGroup className="rox-filter">
            <ToolbarItem>
                <FormSelect aria-label="Filter entity" value={entity.label} onChange={(_event, value) => setEntityLabel(value)}>
                    {entities.map(({ label }) => (
                        <FormSelectOption key={label} value={label} label={label} />
                    ))}
                </FormSelect>
            </ToolbarItem>
            <ToolbarItem>
                <FormSelect aria-label="Filter attribute" value={attribute.label} onChange={(_event, value) => setAttributeLabel(value)}>
                    {entity.attributes.map(({ label }) => (
                        <FormSelectOption key={label} value={label} label={label} />
                    ))}
                </FormSelect>
            </ToolbarItem>
            <ToolbarItem>
                <ValueInput
                    key={attribute.field}
                    entity={entity.label}
                    attribute={attribute}
                    onAdd={(value) => onChange(withValue(filter, attribute.field, value))}
                />
            </ToolbarItem>
        </ToolbarGroup>
    );
}

interface ValueProps {
    entity: string;
    attribute: FilterAttribute;
    onAdd: (value: string) => void;
}

function ValueInput({ entity, attribute, onAdd }: ValueProps) {
    const label = `${entity} ${attribute.label.toLowerCase()}`;
    if (attribute.options !== undefined) {
        return (
            <FormSelect aria-label={`Filter by ${label}`} value="" onChange={(_event, value) => onAdd(value)}>
                <FormSelectOption value="" label={`Filter by ${label}`} isDisabled isPlaceholder />
                {attribute.options.map((option) => (
                    <FormSelectOption key={option.value} value={option.value} label={option.label} />
                ))}
            </FormSelect>
        );
    }
    return <TextValue label={label} attribute={attribute} onAdd={onAdd} />;
}

function TextValue({ label, attribute, onAdd }: { label: string; attribute: FilterAttribute; onAdd: (value: string) => void }) {
    const [text, setText] = useState('');
    const asked = useDeferredValue(text.trim());
    const suggestions = useQuery({
        ...queries.suggestions(attribute.field, asked, attribute.suggest ?? ''),
        enabled: attribute.suggest !== undefined && asked !== '',
    });
    const submit = (event: FormEvent) => {
        event.preventDefault();
        if (text.trim() !== '') {
            onAdd(text.trim());
            setText('');
        }
    };
    const listId = `suggestions-${attribute.field.replaceAll(' ', '-')}`;
    return (
        <form onSubmit={submit} role="search">
            <InputGroup>
                <InputGroupItem isFill>
                    <TextInput
                        aria-label={`Filter by ${label}`}
                        placeholder={attribute.example ?? `Filter by ${label}`}
                        list={listId}
                        maxLength={300}
                        value={text}
                        onChange={(_event, value) => setText(value)}
                    />
                </InputGroupItem>
                <InputGroupItem>
                    <Button variant="control" type="submit" aria-label={`Apply the filter by ${label}`} icon={<SearchIcon />} />
                </InputGroupItem>
            </InputGroup>
            <datalist id={listId}>
                {(suggestions.data ?? []).slice(0, 20).map((value) => (
                    <option key={value} value={value} />
                ))}
            </datalist>
        </form>
    );
}

export function FilterChips({ entities, filter, onChange }: Props) {
    if (isEmpty(filter)) {
        return null;
    }
    const known = new Map(
        entities.flatMap((entity) =>
            entity.attributes.map((attribute) => [attribute.field, { name: `${entity.label} ${attribute.label.toLowerCase()}`, attribute }])
        )
    );
    return (
        <div className="rox-chips" role="group" aria-label="Applied filters">
            {Object.entries(filter).map(([field, values]) => {
                const { name, attribute } = known.get(field) ?? { name: field, attribute: undefined };
                return (
                    <LabelGroup key={field} categoryName={name} numLabels={6}>
                        {values.map((value) => {
                            const text = attribute?.options?.find((option) => option.value === value)?.label ?? value;
                            return (
                                <Label
                                    key={value}
                                    variant="outline"
                                    onClose={() => onChange(withoutValue(filter, field, value))}
                                    closeBtnAriaLabel={`Remove the filter ${name} ${text}`}
                                >
                                    {text}
                                </Label>
                            );
                        })}
                    </LabelGroup>
                );
            })}
            <Button variant="link" isInline onClick={() => onChange({})}>
                Clear filters
            </Button>
        </div>
    );
}
