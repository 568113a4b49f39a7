// One policy; with `?action=edit` or `?action=clone` in the address, the wizard instead.
import { Dropdown, DropdownItem, DropdownList, MenuToggle, PageSection, Switch } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { queries } from '@/api/queries';
import type { Policy } from '@/api/rest';
import { Crumbs } from '@/components/Crumbs';
import { PageHead } from '@/components/PageTitle';
import { PolicyFacts } from '@/components/PolicyFacts';
import { WithData } from '@/components/States';
import { exactly } from '@/lib/query';
import { useUrlSearch } from '@/lib/useUrlState';
import { usePermissions } from '@/shell/permissions';

import { DeleteQuestion } from './PoliciesPage';
import { draftOf } from './draft';
import { useDisable } from './useDisable';
import { isDeletable, isEditable, useExport } from './usePolicyActions';
import { PolicyWizard } from './wizard/PolicyWizard';

export default function PolicyPage() {
    const { policyId = '' }: { policyId?: string } = useParams({ strict: false });
    const [search] = useUrlSearch();
    const { write } = usePermissions();
    const result = useQuery(queries.policy(policyId));
    const action = search['action'] === 'edit' || search['action'] === 'clone' ? search['action'] : undefined;
    return (
        <WithData result={result} missing="This policy does not exist">
            {(policy) =>
                action !== undefined && write('WorkflowAdministration') && (action === 'clone' || isEditable(policy)) ? (
                    <PolicyWizard key={`${policy.id}-${action}`} action={action} initial={draftOf(policy, action)} />
                ) : (
                    <Details policy={policy} />
                )
            }
        </WithData>
    );
}

function Details({ policy }: { policy: Policy }) {
    const { read, write } = usePermissions();
    const change = useDisable();
    return (
        <>
            <Crumbs to="/main/policy-management/policies" parent="Policies" current={policy.name} />
            <PageHead
                title={policy.name}
                actions={
                    <div className="rox-inline">
                        <Switch
                            id="policy-enabled"
                            label={policy.disabled ? 'Disabled' : 'Enabled'}
                            aria-label="Policy enabled"
                            isChecked={!policy.disabled}
                            isDisabled={!write('WorkflowAdministration') || change.isPending}
                            onChange={(_event, enabled) => change.mutate({ policies: [policy], disabled: !enabled })}
                        />
                        <Actions policy={policy} mayWrite={write('WorkflowAdministration')} />
                    </div>
                }
                labels={
                    read('Alert') && (
                        <Link to="/main/violations" search={{ filteredWorkflowView: 'Full view', s: exactly('Policy', policy.name) }}>
                            Violations of this policy
                        </Link>
                    )
                }
            />
            <PageSection isFilled>
                <PolicyFacts policy={policy} />
            </PageSection>
        </>
    );
}

function Actions({ policy, mayWrite }: { policy: Policy; mayWrite: boolean }) {
    const [open, setOpen] = useState(false);
    const [asking, setAsking] = useState(false);
    const navigate = useNavigate();
    const save = useExport();
    const wizard = (action: string) => void navigate({ to: '.', search: { action } });
    return (
        <>
            <Dropdown
                isOpen={open}
                onOpenChange={setOpen}
                onSelect={() => setOpen(false)}
                popperProps={{ position: 'right', appendTo: 'inline' }}
                toggle={(ref) => (
                    <MenuToggle ref={ref} isExpanded={open} onClick={() => setOpen(!open)}>
                        Actions
                    </MenuToggle>
                )}
            >
                <DropdownList>
                    {mayWrite && isEditable(policy) && <DropdownItem onClick={() => wizard('edit')}>Edit policy</DropdownItem>}
                    {mayWrite && <DropdownItem onClick={() => wizard('clone')}>Clone policy</DropdownItem>}
                    <DropdownItem onClick={() => save.mutate([policy])}>Export policy to JSON</DropdownItem>
                    {mayWrite && isDeletable(policy) && (
                        <DropdownItem isDanger onClick={() => setAsking(true)}>
                            Delete policy
                        </DropdownItem>
                    )}
                </DropdownList>
            </Dropdown>
            {asking && (
                <DeleteQuestion
                    policies={[policy]}
                    onDone={() => void navigate({ to: '/main/policy-management/policies', search: {} })}
                    onClose={() => setAsking(false)}
                />
            )}
        </>
    );
}
