// Whether the policy is on, what it prevents, and whom it tells.
import { Alert, Card, CardBody, CardTitle, Checkbox, Form, FormGroup, Radio, Switch } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';

import { policyQueries } from '@/api/policies';
import type { Lifecycle } from '@/api/rest';
import { enforcement, lifecycles, sentence } from '@/lib/format';

import { actionsOf, cannotEnforce, isEnforcedAt, withEnforcement } from '../draft';

import { StepHead } from './StepHead';
import type { StepProps } from './step';

const STAGE_TEXT: Record<Lifecycle, string> = {
    BUILD: 'A CI build whose image violates the policy fails.',
    DEPLOY: 'A workload that violates the policy is refused, or stopped where it cannot be refused.',
    RUNTIME: 'The pod in which the policy is violated is deleted, or the request refused.',
};

export function ActionsStep({ draft, onChange }: StepProps) {
    const refusal = cannotEnforce(draft);
    const enforcing = draft.enforcementActions.length > 0;
    return (
        <>
            <StepHead title="Actions">What happens when the policy is violated.</StepHead>
            <Form className="rox-form" onSubmit={(event) => event.preventDefault()}>
                <FormGroup label="Activation state" role="radiogroup" fieldId="activation" isInline>
                    <Radio id="policy-on" name="activation" label="Enable" isChecked={!draft.disabled} onChange={() => onChange({ ...draft, disabled: false })} />
                    <Radio id="policy-off" name="activation" label="Disable" isChecked={draft.disabled} onChange={() => onChange({ ...draft, disabled: true })} />
                </FormGroup>
                <FormGroup label="Enforcement" role="radiogroup" fieldId="enforcement" isInline>
                    <Radio id="inform" name="enforcement" label="Inform" isChecked={!enforcing} onChange={() => onChange({ ...draft, enforcementActions: [] })} />
                    <Radio
                        id="enforce"
                        name="enforcement"
                        label="Inform and enforce"
                        isChecked={enforcing}
                        isDisabled={refusal !== undefined}
                        onChange={() => onChange(draft.lifecycleStages.reduce((made, stage) => withEnforcement(made, stage, true), draft))}
                    />
                </FormGroup>
                {refusal !== undefined && <Alert isInline variant="info" component="p" title={refusal} />}
                {enforcing && (
                    <div className="rox-stages">
                        {draft.lifecycleStages.map((stage) => (
                            <Card key={stage} isCompact>
                                <CardTitle component="h3">{lifecycles([stage])}</CardTitle>
                                <CardBody className="rox-stack">
                                    <span>{STAGE_TEXT[stage]}</span>
                                    <span className="rox-subtle">{actionsOf(draft, stage).map(enforcement).join('; ')}</span>
                                    <Switch
                                        id={`enforce-${stage}`}
                                        label={`Enforce on ${sentence(stage)}`}
                                        isChecked={isEnforcedAt(draft, stage)}
                                        onChange={(_event, on) => onChange(withEnforcement(draft, stage, on))}
                                    />
                                </CardBody>
                            </Card>
                        ))}
                    </div>
                )}
                <Notifiers draft={draft} onChange={onChange} />
            </Form>
        </>
    );
}

function Notifiers({ draft, onChange }: StepProps) {
    const { data = [], isPending } = useQuery(policyQueries.notifiers());
    if (isPending) {
        return null;
    }
    const toggle = (id: string, on: boolean) =>
        onChange({ ...draft, notifiers: on ? [...draft.notifiers, id] : draft.notifiers.filter((item) => item !== id) });
    const unknown = draft.notifiers.filter((id) => !data.some((notifier) => notifier.id === id));
    return (
        <FormGroup label="Notifiers" role="group" fieldId="notifiers" isStack>
            {data.length === 0 && <p className="rox-subtle">No notifier is set up.</p>}
            {[...data, ...unknown.map((id) => ({ id, name: id, type: '' }))].map(({ id, name, type }) => (
                <Checkbox key={id} id={`notifier-${id}`} label={type === '' ? name : `${name} (${type})`} isChecked={draft.notifiers.includes(id)} onChange={(_event, on) => toggle(id, on)} />
            ))}
        </FormGroup>
    );
}
