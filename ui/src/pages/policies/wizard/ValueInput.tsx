// The input of one value of a criterion, by the kind of its values.
import { FormSelect, FormSelectOption, HelperText, HelperTextItem, Radio, TextInput } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import type { ReactNode } from 'react';

import { policyQueries } from '@/api/policies';

import type { Criterion } from '../criteria';
import { booleanLabel, optionLabel, optionsOf } from '../criteria';
import { SIGNS, comparisonText, environmentText, hasRawValue, isBroadPath, parseComparison, parseEnvironment, parsePair, valueProblem } from '../values';

interface Props {
    criterion: Criterion;
    eventSource: string;
    value: string;
    /** Names the input: criterion, section and number of the value. */
    label: string;
    isDisabled: boolean;
    onChange: (value: string) => void;
}

export function ValueInput(props: Props) {
    const { criterion, value } = props;
    const problem = value === '' ? undefined : valueProblem(criterion, value);
    return (
        <div className="rox-value">
            <Control {...props} />
            {problem !== undefined && <Hint variant="error">{problem}</Hint>}
            {criterion.input === 'PATH' && isBroadPath(value) && (
                <Hint variant="warning">This path matches nearly every file and will raise many violations.</Hint>
            )}
        </div>
    );
}

function Hint({ variant, children }: { variant: 'error' | 'warning'; children: ReactNode }) {
    return (
        <HelperText isLiveRegion>
            <HelperTextItem variant={variant}>{children}</HelperTextItem>
        </HelperText>
    );
}

function Control(props: Props) {
    switch (props.criterion.input) {
        case 'BOOLEAN':
            return <BooleanInput {...props} />;
        case 'CHOICE':
            return <ChoiceInput {...props} />;
        case 'COMPARISON':
        case 'SEVERITY':
            return <ComparisonInput {...props} />;
        case 'DAYS':
            return <DaysInput {...props} />;
        case 'KEY_VALUE':
            return <PairInput {...props} />;
        case 'DOCKERFILE':
            return <DockerfileInput {...props} />;
        case 'ENVIRONMENT':
            return <EnvironmentInput {...props} />;
        case 'SIGNATURE':
            return <SignatureInput {...props} />;
        default:
            return <Text {...props} />;
    }
}

const EXAMPLES: Record<string, string> = {
    'File Path': '/etc/shadow or /home/*/.ssh/**',
    CVE: 'CVE-2021-44228',
    'Process Name': 'apt|apt-get',
    'Image Tag': 'latest',
    'Disallowed Annotation': 'key=value',
    'Source IP Address': '192.0.2.7',
};

function Text({ criterion, value, label, isDisabled, onChange }: Props) {
    return (
        <TextInput
            aria-label={label}
            placeholder={EXAMPLES[criterion.name]}
            value={value}
            isDisabled={isDisabled}
            onChange={(_event, next) => onChange(next)}
        />
    );
}

function BooleanInput({ criterion, value, label, isDisabled, onChange }: Props) {
    const name = useId();
    return (
        <div role="radiogroup" aria-label={label} className="rox-inline">
            {['true', 'false'].map((option) => (
                <Radio
                    key={option}
                    id={`${name}-${option}`}
                    name={name}
                    label={booleanLabel(criterion.name, option === 'true')}
                    isChecked={value.toLowerCase() === option}
                    isDisabled={isDisabled}
                    onChange={() => onChange(option)}
                />
            ))}
        </div>
    );
}

interface PickProps {
    label: string;
    value: string;
    isDisabled: boolean;
    onChange: (value: string) => void;
    options: readonly (readonly [value: string, label: string])[];
    placeholder?: string;
}

function Pick({ label, value, isDisabled, onChange, options, placeholder }: PickProps) {
    const known = options.some(([option]) => option === value);
    return (
        <FormSelect aria-label={label} value={value} isDisabled={isDisabled} onChange={(_event, next) => onChange(next)}>
            {placeholder !== undefined && <FormSelectOption value="" label={placeholder} isDisabled={value !== ''} isPlaceholder />}
            {!known && value !== '' && <FormSelectOption value={value} label={value} />}
            {options.map(([option, caption]) => (
                <FormSelectOption key={option} value={option} label={caption} />
            ))}
        </FormSelect>
    );
}

function ChoiceInput({ criterion, eventSource, value, label, isDisabled, onChange }: Props) {
    const options = optionsOf(criterion, eventSource).map((option) => [option, optionLabel(criterion, option)] as const);
    const known = options.find(([option]) => option === value.toUpperCase())?.[0] ?? value;
    return <Pick label={label} value={known} isDisabled={isDisabled} onChange={onChange} options={options} placeholder="Choose a value" />;
}

function ComparisonInput({ criterion, eventSource, value, label, isDisabled, onChange }: Props) {
    const { sign, operand } = parseComparison(value);
    const ratings = optionsOf(criterion, eventSource).map((option) => [option, optionLabel(criterion, option)] as const);
    return (
        <div className="rox-inline">
            <Pick label={`${label}, comparison`} value={sign} isDisabled={isDisabled} options={SIGNS} onChange={(next) => onChange(comparisonText({ sign: next, operand }))} />
            {criterion.input === 'SEVERITY' ? (
                <Pick
                    label={label}
                    value={operand.toUpperCase()}
                    isDisabled={isDisabled}
                    options={ratings}
                    onChange={(next) => onChange(comparisonText({ sign, operand: next }))}
                />
            ) : (
                <TextInput
                    aria-label={label}
                    inputMode="decimal"
                    placeholder="number"
                    value={operand}
                    isDisabled={isDisabled}
                    onChange={(_event, next) => onChange(comparisonText({ sign, operand: next }))}
                />
            )}
        </div>
    );
}

function DaysInput({ value, label, isDisabled, onChange }: Props) {
    return (
        <div className="rox-inline">
            <span>More than</span>
            <TextInput aria-label={label} className="rox-days" inputMode="numeric" value={value} isDisabled={isDisabled} onChange={(_event, next) => onChange(next)} />
            <span>days</span>
        </div>
    );
}

function PairInput({ criterion, value, label, isDisabled, onChange }: Props) {
    const [first, second] = parsePair(value);
    const [firstName, secondName] = criterion.name === 'Image Component' ? ['component name', 'version'] : ['key', 'value'];
    return (
        <div className="rox-inline">
            <TextInput aria-label={`${label}, ${firstName}`} placeholder={firstName} value={first} isDisabled={isDisabled} onChange={(_event, next) => onChange(`${next.replaceAll('=', '')}=${second}`)} />
            <span aria-hidden="true">=</span>
            <TextInput aria-label={`${label}, ${secondName}`} placeholder={`${secondName} (any)`} value={second} isDisabled={isDisabled} onChange={(_event, next) => onChange(`${first}=${next}`)} />
        </div>
    );
}

function DockerfileInput({ criterion, eventSource, value, label, isDisabled, onChange }: Props) {
    const [instruction, rest] = parsePair(value);
    const options = optionsOf(criterion, eventSource).map((option) => [option, option] as const);
    return (
        <div className="rox-inline">
            <Pick label={`${label}, instruction`} value={instruction} isDisabled={isDisabled} options={[['', 'Any instruction'], ...options]} onChange={(next) => onChange(`${next}=${rest}`)} />
            <TextInput aria-label={`${label}, arguments`} placeholder="arguments (any)" value={rest} isDisabled={isDisabled} onChange={(_event, next) => onChange(`${instruction}=${next}`)} />
        </div>
    );
}

const SOURCE_WORDS: Record<string, string> = {
    UNSET: 'Unset', RAW: 'Value', SECRET_KEY: 'Secret key', CONFIG_MAP_KEY: 'Config map key', FIELD: 'Field', RESOURCE_FIELD: 'Resource field', UNKNOWN: 'Unknown',
};

function EnvironmentInput({ criterion, eventSource, value, label, isDisabled, onChange }: Props) {
    const parts = parseEnvironment(value);
    const options = optionsOf(criterion, eventSource).map((option) => [option, SOURCE_WORDS[option] ?? option] as const);
    const change = (next: Partial<typeof parts>) => onChange(environmentText({ ...parts, ...next }));
    return (
        <div className="rox-inline">
            <Pick label={`${label}, value from`} value={parts.source.toUpperCase()} isDisabled={isDisabled} options={[['', 'Any source'], ...options]} onChange={(source) => change({ source })} />
            <TextInput aria-label={`${label}, key`} placeholder="key (any)" value={parts.key} isDisabled={isDisabled} onChange={(_event, key) => change({ key: key.replaceAll('=', '') })} />
            <span aria-hidden="true">=</span>
            <TextInput
                aria-label={`${label}, value`}
                placeholder={hasRawValue(parts.source) ? 'value (any)' : 'not known'}
                value={parts.value}
                isDisabled={isDisabled || !hasRawValue(parts.source)}
                onChange={(_event, next) => change({ value: next })}
            />
        </div>
    );
}

function SignatureInput({ value, label, isDisabled, onChange }: Props) {
    const { data = [] } = useQuery(policyQueries.signatures());
    if (data.length === 0) {
        return (
            <>
                <TextInput aria-label={label} placeholder="io.stackrox.signatureintegration.…" value={value} isDisabled={isDisabled} onChange={(_event, next) => onChange(next)} />
                <Hint variant="warning">No signature integration is set up, so only its ID can be entered.</Hint>
            </>
        );
    }
    return <Pick label={label} value={value} isDisabled={isDisabled} onChange={onChange} options={data.map(({ id, name }) => [id, name] as const)} placeholder="Choose a signature integration" />;
}
