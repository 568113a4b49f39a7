// When the policy is judged, and at run time on which events.
import { Alert, Button, Form, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, Radio } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { queries } from '@/api/queries';
import type { Lifecycle } from '@/api/rest';
import { exactly, toQuery } from '@/lib/query';

import { hasRules, withStages } from '../draft';

import { StepHead } from './StepHead';
import type { StepProps } from './step';

interface Choice {
    label: string;
    description: string;
    stages: Lifecycle[];
}
const CHOICES: readonly Choice[] = [
    { label: 'Build', description: 'Images are judged when CI asks.', stages: ['BUILD'] },
    { label: 'Deploy', description: 'Workloads are judged when they are created or changed.', stages: ['DEPLOY'] },
    { label: 'Build and Deploy', description: 'Images are judged in CI and again where they are deployed.', stages: ['BUILD', 'DEPLOY'] },
    { label: 'Runtime', description: 'Activity is judged as it happens.', stages: ['RUNTIME'] },
];
const SOURCES: readonly (readonly [source: string, label: string, description: string])[] = [
    ['DEPLOYMENT_EVENT', 'Deployment', 'Processes, files, network flows and requests to pods of a workload'],
    ['AUDIT_LOG_EVENT', 'Audit logs', 'Requests to the Kubernetes API, as its audit log records them'],
    ['NODE_EVENT', 'Node', 'Activity on files of the nodes themselves'],
];

function same(a: readonly string[], b: readonly string[]): boolean {
    return a.length === b.length && a.every((item) => b.includes(item));
}

export function LifecycleStep({ draft, onChange }: StepProps) {
    const [wanted, setWanted] = useState<{ stages: Lifecycle[]; source: string }>();
    // Alerts remember under which stage they arose, so a policy that has some stays where it is.
    const violations = useQuery({
        ...queries.alertsCount(toQuery(exactly('Policy ID', draft.id), { 'Violation State': ['ACTIVE'] })),
        enabled: draft.id !== '',
    });
    const locked = draft.criteriaLocked || (draft.id !== '' && violations.data !== undefined && violations.data > 0);
    const choose = (stages: Lifecycle[], source: string) => {
        if (hasRules(draft)) {
            setWanted({ stages, source });
        } else {
            onChange(withStages(draft, stages, source));
        }
    };
    const runtime = draft.lifecycleStages.includes('RUNTIME');
    return (
        <>
            <StepHead title="Lifecycle">The stage decides which criteria the rules may use.</StepHead>
            {locked && (
                <Alert
                    isInline
                    variant="info"
                    component="p"
                    title={draft.criteriaLocked ? 'The lifecycle of a system policy cannot be changed.' : 'The lifecycle cannot be changed while the policy has active violations.'}
                />
            )}
            <Form className="rox-form" onSubmit={(event) => event.preventDefault()}>
                <FormGroup label="Lifecycle stage" role="radiogroup" fieldId="lifecycle" isRequired isStack>
                    {CHOICES.map(({ label, description, stages }) => (
                        <Radio
                            key={label}
                            id={`lifecycle-${stages.join('-')}`}
                            name="lifecycle"
                            label={label}
                            description={description}
                            isDisabled={locked}
                            isChecked={same(stages, draft.lifecycleStages)}
                            onChange={() => choose(stages, 'DEPLOYMENT_EVENT')}
                        />
                    ))}
                </FormGroup>
                {runtime && (
                    <FormGroup label="Event source" role="radiogroup" fieldId="event-source" isRequired isStack>
                        {SOURCES.map(([source, label, description]) => (
                            <Radio
                                key={source}
                                id={`source-${source}`}
                                name="event-source"
                                label={label}
                                description={description}
                                isDisabled={locked}
                                isChecked={draft.eventSource === source}
                                onChange={() => choose(draft.lifecycleStages, source)}
                            />
                        ))}
                    </FormGroup>
                )}
            </Form>
            <Modal isOpen={wanted !== undefined} variant="small" aria-labelledby="clear-rules-title" onClose={() => setWanted(undefined)}>
                <ModalHeader title="Reset policy criteria?" labelId="clear-rules-title" titleIconVariant="warning" />
                <ModalBody>Another stage allows other criteria. Changing it removes the rules and the enforcement that you have entered.</ModalBody>
                <ModalFooter>
                    <Button
                        onClick={() => {
                            onChange(withStages(draft, wanted?.stages ?? [], wanted?.source ?? ''));
                            setWanted(undefined);
                        }}
                    >
                        Reset and change
                    </Button>
                    <Button variant="link" onClick={() => setWanted(undefined)}>
                        Cancel
                    </Button>
                </ModalFooter>
            </Modal>
        </>
    );
}
