// Creating, editing or cloning a policy, step by step.
import { Wizard, WizardStep } from '@patternfly/react-core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { errorText } from '@/api/client';
import { policyChanges } from '@/api/policies';
import type { Policy } from '@/api/rest';
import { Crumbs } from '@/components/Crumbs';
import { PageHead } from '@/components/PageTitle';
import { notify } from '@/components/Toasts';

import type { Action, Draft, Step } from '../draft';
import { STEPS, problemsOf, toSend } from '../draft';

import { ActionsStep } from './ActionsStep';
import { DetailsStep } from './DetailsStep';
import { LifecycleStep } from './LifecycleStep';
import { ResourcesStep } from './ResourcesStep';
import { ReviewStep } from './ReviewStep';
import { RulesStep } from './RulesStep';

const TITLE: Record<Action, string> = { create: 'Create policy', generate: 'Create policy', edit: 'Edit policy', clone: 'Clone policy' };

interface Props {
    action: Action;
    initial: Draft;
}

export function PolicyWizard({ action, initial }: Props) {
    const [draft, setDraft] = useState(initial);
    const navigate = useNavigate();
    const save = useSave(action);
    const problems = STEPS.flatMap((step) => problemsOf(step, draft));
    const change = (next: Draft) => {
        save.reset();
        setDraft(next);
    };
    const footer = (step: Step) => ({ isNextDisabled: problemsOf(step, draft).length > 0 });
    const leave = () => void navigate({ to: '/main/policy-management/policies', search: {} });
    const isPlaceless = draft.eventSource === 'NODE_EVENT';
    return (
        <>
            <Crumbs to="/main/policy-management/policies" parent="Policies" current={TITLE[action]} />
            <PageHead title={TITLE[action]} description={action === 'edit' ? draft.name : undefined} />
            <div className="rox-wizard">
                <Wizard
                    // Whoever begins anew goes step by step; whoever has a whole policy may go anywhere.
                    isVisitRequired={action === 'create' || action === 'generate'}
                    navAriaLabel="Steps of the policy"
                    onClose={leave}
                    onSave={() => save.mutate(toSend(draft))}
                >
                    <WizardStep
                        name="Policy definition"
                        id="definition"
                        steps={[
                            <WizardStep key="details" name="Details" id="details" footer={footer('details')}>
                                <DetailsStep draft={draft} onChange={change} />
                            </WizardStep>,
                            <WizardStep key="lifecycle" name="Lifecycle" id="lifecycle" footer={footer('lifecycle')}>
                                <LifecycleStep draft={draft} onChange={change} />
                            </WizardStep>,
                            <WizardStep key="rules" name="Rules" id="rules" footer={footer('rules')}>
                                <RulesStep draft={draft} onChange={change} />
                            </WizardStep>,
                        ]}
                    />
                    <WizardStep
                        name="Policy behavior"
                        id="behavior"
                        steps={[
                            <WizardStep key="resources" name="Resources" id="resources" isHidden={isPlaceless} footer={footer('resources')}>
                                <ResourcesStep draft={draft} onChange={change} />
                            </WizardStep>,
                            <WizardStep key="actions" name="Actions" id="actions" footer={footer('actions')}>
                                <ActionsStep draft={draft} onChange={change} />
                            </WizardStep>,
                        ]}
                    />
                    <WizardStep
                        name="Review"
                        id="review"
                        footer={{ nextButtonText: 'Save', isNextDisabled: problems.length > 0 || save.isPending, nextButtonProps: { isLoading: save.isPending } }}
                    >
                        <ReviewStep draft={draft} problems={problems} refusal={save.isError ? errorText(save.error) : undefined} />
                    </WizardStep>
                </Wizard>
            </div>
        </>
    );
}

function useSave(action: Action) {
    const client = useQueryClient();
    const navigate = useNavigate();
    return useMutation({
        mutationFn: async (policy: Policy) => {
            if (action === 'edit') {
                await policyChanges.replace(policy);
                return policy;
            }
            return policyChanges.create(policy);
        },
        onSuccess: async ({ id, name }) => {
            notify('success', action === 'edit' ? `Policy "${name}" saved` : `Policy "${name}" created`);
            await client.invalidateQueries({ queryKey: ['policies'] });
            await client.invalidateQueries({ queryKey: ['policy-categories'] });
            await client.invalidateQueries({ queryKey: ['alerts'] });
            await navigate({ to: '/main/policy-management/policies/$policyId', params: { policyId: id }, search: {} });
        },
    });
}
