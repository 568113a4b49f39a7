// The policy's name, severity, categories, texts and attack vectors.
import { Button, Form, FormGroup, FormHelperText, FormSelect, FormSelectOption, HelperText, HelperTextItem, Label, LabelGroup, Radio, TextArea, TextInput } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { policyQueries } from '@/api/policies';
import type { Severity } from '@/api/rest';

import { MitreFields } from './MitreFields';
import { StepHead } from './StepHead';
import type { StepProps } from './step';

const SEVERITIES: readonly (readonly [severity: Severity, label: string])[] = [
    ['LOW_SEVERITY', 'Low'],
    ['MEDIUM_SEVERITY', 'Medium'],
    ['HIGH_SEVERITY', 'High'],
    ['CRITICAL_SEVERITY', 'Critical'],
];

export function DetailsStep({ draft, onChange }: StepProps) {
    return (
        <>
            <StepHead title="Details">What the policy is called, how severe its violations are, and what to do about them.</StepHead>
            <Form className="rox-form" onSubmit={(event) => event.preventDefault()}>
                <FormGroup label="Name" fieldId="policy-name" isRequired>
                    <TextInput id="policy-name" isRequired maxLength={128} value={draft.name} onChange={(_event, name) => onChange({ ...draft, name })} />
                    <FormHelperText>
                        <HelperText>
                            <HelperTextItem>5 to 128 characters, unlike the name of any other policy</HelperTextItem>
                        </HelperText>
                    </FormHelperText>
                </FormGroup>
                <FormGroup label="Severity" role="radiogroup" fieldId="policy-severity" isInline isRequired>
                    {SEVERITIES.map(([severity, label]) => (
                        <Radio
                            key={severity}
                            id={`severity-${severity}`}
                            name="severity"
                            label={label}
                            isChecked={draft.severity === severity}
                            onChange={() => onChange({ ...draft, severity })}
                        />
                    ))}
                </FormGroup>
                <Categories draft={draft} onChange={onChange} />
                <FormGroup label="Description" fieldId="policy-description">
                    <TextArea id="policy-description" resizeOrientation="vertical" maxLength={800} value={draft.description} onChange={(_event, description) => onChange({ ...draft, description })} />
                </FormGroup>
                <FormGroup label="Rationale" fieldId="policy-rationale">
                    <TextArea id="policy-rationale" resizeOrientation="vertical" value={draft.rationale} onChange={(_event, rationale) => onChange({ ...draft, rationale })} />
                </FormGroup>
                <FormGroup label="Guidance" fieldId="policy-guidance">
                    <TextArea id="policy-guidance" resizeOrientation="vertical" value={draft.remediation} onChange={(_event, remediation) => onChange({ ...draft, remediation })} />
                </FormGroup>
            </Form>
            <MitreFields draft={draft} onChange={onChange} />
        </>
    );
}

function Categories({ draft, onChange }: StepProps) {
    const { data = [] } = useQuery(policyQueries.categories());
    const [fresh, setFresh] = useState('');
    const chosen = draft.categories;
    const add = (name: string) => {
        if (name !== '' && !chosen.some((category) => category.toLowerCase() === name.toLowerCase())) {
            onChange({ ...draft, categories: [...chosen, name] });
        }
        setFresh('');
    };
    const rest = data.map(({ name }) => name).filter((name) => !chosen.includes(name)).sort((a, b) => a.localeCompare(b));
    return (
        <FormGroup label="Categories" fieldId="policy-category" isRequired>
            {chosen.length > 0 && (
                <LabelGroup aria-label="Chosen categories" numLabels={20} className="rox-chosen">
                    {chosen.map((name) => (
                        <Label
                            key={name}
                            variant="outline"
                            closeBtnAriaLabel={`Remove category ${name}`}
                            onClose={() => onChange({ ...draft, categories: chosen.filter((category) => category !== name) })}
                        >
                            {name}
                        </Label>
                    ))}
                </LabelGroup>
            )}
            <div className="rox-inline">
                <FormSelect id="policy-category" value="" aria-label="Add a category" onChange={(_event, name) => add(name)}>
                    <FormSelectOption value="" label="Add a category" isPlaceholder />
                    {rest.map((name) => (
                        <FormSelectOption key={name} value={name} label={name} />
                    ))}
                </FormSelect>
                <TextInput aria-label="Name of a new category" placeholder="or a new one" value={fresh} maxLength={100} onChange={(_event, value) => setFresh(value)} />
                <Button variant="secondary" isDisabled={fresh.trim().length < 5} onClick={() => add(fresh.trim())}>
                    Create category
                </Button>
            </div>
        </FormGroup>
    );
}
