// Where the policy applies, and what it leaves alone.
import { Button, Card, CardBody, CardHeader, CardTitle, FormGroup, FormSelect, FormSelectOption, TextInput, Title } from '@patternfly/react-core';
import PlusCircleIcon from '@patternfly/react-icons/dist/esm/icons/plus-circle-icon';
import TrashIcon from '@patternfly/react-icons/dist/esm/icons/trash-icon';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { queries } from '@/api/queries';
import type { Exclusion, KeyValue, Scope } from '@/api/rest';
import { dateTime } from '@/lib/format';

import { NO_SCOPE } from '../draft';

import { StepHead } from './StepHead';
import type { StepProps } from './step';

const EMPTY_LABEL: KeyValue = { key: '', value: '' };

export function ResourcesStep({ draft, onChange }: StepProps) {
    const audit = draft.eventSource === 'AUDIT_LOG_EVENT';
    const building = draft.lifecycleStages.includes('BUILD');
    const onlyBuild = building && draft.lifecycleStages.length === 1;
    const setScope = (scope: Scope[]) => onChange({ ...draft, scope });
    const setExclusions = (exclusions: Exclusion[]) => onChange({ ...draft, exclusions });
    const deployments = draft.exclusions.map((exclusion, index) => ({ exclusion, index })).filter(({ exclusion }) => exclusion.image === null);
    const images = draft.exclusions.map((exclusion, index) => ({ exclusion, index })).filter(({ exclusion }) => exclusion.image !== null);
    const replace = (index: number, next: Exclusion) => setExclusions(draft.exclusions.map((item, at) => (at === index ? next : item)));
    const remove = (index: number) => setExclusions(draft.exclusions.filter((_item, at) => at !== index));
    return (
        <div className="rox-stack">
            <StepHead title="Resources">Without an included resource the policy applies everywhere.</StepHead>
            <Part title="Included resources" text="The policy applies to a workload that is in any of these." add="Add included resource" onAdd={() => setScope([...draft.scope, NO_SCOPE])}>
                {draft.scope.map((scope, index) => (
                    <ResourceCard key={index} title={`Included resource ${index + 1}`} onRemove={() => setScope(draft.scope.filter((_item, at) => at !== index))}>
                        <ScopeFields scope={scope} name={`included resource ${index + 1}`} byLabels withLabel={!audit} onChange={(next) => setScope(draft.scope.map((item, at) => (at === index ? next : item)))} />
                    </ResourceCard>
                ))}
            </Part>
            {!onlyBuild && (
                <Part
                    title="Excluded resources"
                    text="The policy leaves a workload alone that is in any of these."
                    add="Add excluded resource"
                    onAdd={() => setExclusions([...draft.exclusions, { name: '', deployment: { name: '', scope: NO_SCOPE }, image: null, expiration: null }])}
                >
                    {deployments.map(({ exclusion, index }, position) => (
                        <ResourceCard key={index} title={`Excluded resource ${position + 1}`} onRemove={() => remove(index)}>
                            <ScopeFields
                                scope={exclusion.deployment?.scope ?? NO_SCOPE}
                                name={`excluded resource ${position + 1}`}
                                withLabel={!audit}
                                onChange={(scope) => replace(index, { ...exclusion, deployment: { name: exclusion.deployment?.name ?? '', scope } })}
                            />
                            {!audit && (
                                <FormGroup label="Deployment" fieldId={`excluded-deployment-${index}`}>
                                    <TextInput
                                        id={`excluded-deployment-${index}`}
                                        placeholder="name or regular expression"
                                        value={exclusion.deployment?.name ?? ''}
                                        onChange={(_event, name) => replace(index, { ...exclusion, deployment: { name, scope: exclusion.deployment?.scope ?? null } })}
                                    />
                                </FormGroup>
                            )}
                            {exclusion.expiration !== null && <p>Ends {dateTime(exclusion.expiration)}</p>}
                        </ResourceCard>
                    ))}
                </Part>
            )}
            {building && (
                <Part
                    title="Excluded images"
                    text="In CI the policy leaves images alone whose full name begins so."
                    add="Add excluded image"
                    onAdd={() => setExclusions([...draft.exclusions, { name: '', deployment: null, image: { name: '' }, expiration: null }])}
                >
                    {images.map(({ exclusion, index }, position) => (
                        <div key={index} className="rox-inline">
                            <TextInput
                                aria-label={`Excluded image ${position + 1}`}
                                placeholder="registry.example.com/team/"
                                value={exclusion.image?.name ?? ''}
                                onChange={(_event, name) => replace(index, { ...exclusion, image: { name } })}
                            />
                            <Button variant="plain" aria-label={`Remove excluded image ${position + 1}`} icon={<TrashIcon />} onClick={() => remove(index)} />
                        </div>
                    ))}
                </Part>
            )}
        </div>
    );
}

interface PartProps {
    title: string;
    text: string;
    add: string;
    onAdd: () => void;
    children: ReactNode;
}

function Part({ title, text, add, onAdd, children }: PartProps) {
    return (
        <section className="rox-stack rox-form" aria-label={title}>
            <div>
                <Title headingLevel="h3" size="md">
                    {title}
                </Title>
                <p className="rox-subtle">{text}</p>
            </div>
            {children}
            <div>
                <Button variant="secondary" icon={<PlusCircleIcon />} onClick={onAdd}>
                    {add}
                </Button>
            </div>
        </section>
    );
}

function ResourceCard({ title, onRemove, children }: { title: string; onRemove: () => void; children: ReactNode }) {
    return (
        <Card isCompact>
            <CardHeader
                actions={{ hasNoOffset: true, actions: <Button variant="plain" aria-label={`Remove ${title.toLowerCase()}`} icon={<TrashIcon />} onClick={onRemove} /> }}
            >
                <CardTitle component="h4">{title}</CardTitle>
            </CardHeader>
            <CardBody className="rox-stack">{children}</CardBody>
        </Card>
    );
}

interface ScopeProps {
    scope: Scope;
    name: string;
    /** Whether clusters and namespaces may be named by their labels; exclusions may not. */
    byLabels?: boolean;
    withLabel: boolean;
    onChange: (scope: Scope) => void;
}

function ScopeFields({ scope, name, byLabels = false, withLabel, onChange }: ScopeProps) {
    const { data: clusters = [] } = useQuery(queries.scopeClusters());
    const clusterByLabel = scope.clusterLabel !== null && scope.clusterLabel !== undefined;
    const namespaceByLabel = scope.namespaceLabel !== null && scope.namespaceLabel !== undefined;
    const unknown = scope.cluster !== '' && !clusters.some(({ id }) => id === scope.cluster);
    return (
        <>
            <FormGroup label="Cluster" role="group">
                <div className="rox-inline">
                    {byLabels && (
                        <By label={`How the cluster of ${name} is named`} isLabel={clusterByLabel} onChange={(label) => onChange({ ...scope, cluster: '', clusterLabel: label ? EMPTY_LABEL : null })} />
                    )}
                    {clusterByLabel ? (
                        <LabelFields name={`Cluster label of ${name}`} label={scope.clusterLabel ?? EMPTY_LABEL} onChange={(clusterLabel) => onChange({ ...scope, clusterLabel })} />
                    ) : (
                        <FormSelect aria-label={`Cluster of ${name}`} value={scope.cluster} onChange={(_event, cluster) => onChange({ ...scope, cluster })}>
                            <FormSelectOption value="" label="Any cluster" />
                            {unknown && <FormSelectOption value={scope.cluster} label={scope.cluster} />}
                            {clusters.map(({ id, name: title }) => (
                                <FormSelectOption key={id} value={id} label={title} />
                            ))}
                        </FormSelect>
                    )}
                </div>
            </FormGroup>
            <FormGroup label="Namespace" role="group">
                <div className="rox-inline">
                    {byLabels && (
                        <By label={`How the namespace of ${name} is named`} isLabel={namespaceByLabel} onChange={(label) => onChange({ ...scope, namespace: '', namespaceLabel: label ? EMPTY_LABEL : null })} />
                    )}
                    {namespaceByLabel ? (
                        <LabelFields name={`Namespace label of ${name}`} label={scope.namespaceLabel ?? EMPTY_LABEL} onChange={(namespaceLabel) => onChange({ ...scope, namespaceLabel })} />
                    ) : (
                        <TextInput aria-label={`Namespace of ${name}`} placeholder="any; name or regular expression" value={scope.namespace} onChange={(_event, namespace) => onChange({ ...scope, namespace })} />
                    )}
                </div>
            </FormGroup>
            {withLabel && (
                <FormGroup label="Deployment label" role="group">
                    <LabelFields name={`Deployment label of ${name}`} label={scope.label ?? EMPTY_LABEL} onChange={(label) => onChange({ ...scope, label })} />
                </FormGroup>
            )}
        </>
    );
}

function By({ label, isLabel, onChange }: { label: string; isLabel: boolean; onChange: (isLabel: boolean) => void }) {
    return (
        <FormSelect className="rox-by" aria-label={label} value={isLabel ? 'label' : 'name'} onChange={(_event, value) => onChange(value === 'label')}>
            <FormSelectOption value="name" label="By name" />
            <FormSelectOption value="label" label="By label" />
        </FormSelect>
    );
}

function LabelFields({ name, label, onChange }: { name: string; label: KeyValue; onChange: (label: KeyValue) => void }) {
    return (
        <div className="rox-inline rox-grow">
            <TextInput aria-label={`${name}, key`} placeholder="key" value={label.key} onChange={(_event, key) => onChange({ ...label, key })} />
            <span aria-hidden="true">=</span>
            <TextInput aria-label={`${name}, value`} placeholder="value (any)" value={label.value} onChange={(_event, value) => onChange({ ...label, value })} />
        </div>
    );
}
