// The attack vectors of MITRE ATT&CK that the policy finds: tactics, each with techniques.
import { Button, Card, CardBody, CardHeader, CardTitle, FormSelect, FormSelectOption, Title } from '@patternfly/react-core';
import TrashIcon from '@patternfly/react-icons/dist/esm/icons/trash-icon';
import { useQuery } from '@tanstack/react-query';

import { policyQueries } from '@/api/policies';
import type { MitreVector, Policy } from '@/api/rest';

import type { StepProps } from './step';

type Vector = Policy['mitreAttackVectors'][number];

export function MitreFields({ draft, onChange }: StepProps) {
    const { data = [] } = useQuery(policyQueries.mitre());
    const vectors = draft.mitreAttackVectors;
    const locked = draft.mitreVectorsLocked;
    const change = (mitreAttackVectors: Vector[]) => onChange({ ...draft, mitreAttackVectors });
    const free = data.filter(({ tactic }) => tactic !== null && !vectors.some((vector) => vector.tactic === tactic.id));
    return (
        <div className="rox-stack rox-form rox-mitre">
            <div>
                <Title headingLevel="h3" size="md">
                    MITRE ATT&CK
                </Title>
                <p className="rox-subtle">{locked ? 'The attack vectors of a system policy cannot be changed.' : 'The tactics and techniques that the policy detects.'}</p>
            </div>
            {vectors.map((vector) => (
                <VectorCard
                    key={vector.tactic}
                    vector={vector}
                    known={data.find(({ tactic }) => tactic?.id === vector.tactic)}
                    isDisabled={locked}
                    onChange={(next) => change(vectors.flatMap((item) => (item.tactic === vector.tactic ? (next ?? []) : item)))}
                />
            ))}
            {!locked && (
                <FormSelect aria-label="Add tactic" value="" onChange={(_event, tactic) => change([...vectors, { tactic, techniques: [] }])}>
                    <FormSelectOption value="" label="Add tactic" isPlaceholder />
                    {free.map(({ tactic }) => (
                        <FormSelectOption key={tactic?.id} value={tactic?.id} label={`${tactic?.name} (${tactic?.id})`} />
                    ))}
                </FormSelect>
            )}
        </div>
    );
}

interface CardProps {
    vector: Vector;
    known: MitreVector | undefined;
    isDisabled: boolean;
    onChange: (vector: Vector | undefined) => void;
}

function VectorCard({ vector, known, isDisabled, onChange }: CardProps) {
    const title = known?.tactic ? `${known.tactic.name} (${vector.tactic})` : vector.tactic;
    const nameOf = (id: string) => known?.techniques.find((technique) => technique.id === id)?.name ?? '';
    const free = (known?.techniques ?? []).filter(({ id }) => !vector.techniques.includes(id));
    return (
        <Card isCompact>
            <CardHeader
                actions={
                    isDisabled
                        ? undefined
                        : { hasNoOffset: true, actions: <Button variant="plain" aria-label={`Remove tactic ${title}`} icon={<TrashIcon />} onClick={() => onChange(undefined)} /> }
                }
            >
                <CardTitle component="h4">{title}</CardTitle>
            </CardHeader>
            <CardBody className="rox-stack">
                {vector.techniques.length > 0 && (
                    <ul className="rox-list-plain">
                        {vector.techniques.map((id) => (
                            <li key={id} className="rox-row">
                                <span>{`${nameOf(id)} (${id})`.trim()}</span>
                                {!isDisabled && (
                                    <Button
                                        variant="plain"
                                        size="sm"
                                        aria-label={`Remove technique ${id}`}
                                        icon={<TrashIcon />}
                                        onClick={() => onChange({ ...vector, techniques: vector.techniques.filter((technique) => technique !== id) })}
                                    />
                                )}
                            </li>
                        ))}
                    </ul>
                )}
                {!isDisabled && (
                    <FormSelect
                        aria-label={`Add technique to ${title}`}
                        value=""
                        onChange={(_event, id) => onChange({ ...vector, techniques: [...vector.techniques, id] })}
                    >
                        <FormSelectOption value="" label="Add technique" isPlaceholder />
                        {free.map(({ id, name }) => (
                            <FormSelectOption key={id} value={id} label={`${name} (${id})`} />
                        ))}
                    </FormSelect>
                )}
            </CardBody>
        </Card>
    );
}
