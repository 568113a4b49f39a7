// One policy.
import { PageSection, Switch } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';

import { queries } from '@/api/queries';
import type { Policy } from '@/api/rest';
import { Crumbs } from '@/components/Crumbs';
import { PageHead } from '@/components/PageTitle';
import { PolicyFacts } from '@/components/PolicyFacts';
import { WithData } from '@/components/States';
import { exactly } from '@/lib/query';
import { usePermissions } from '@/shell/permissions';

import { useDisable } from './useDisable';

export default function PolicyPage() {
    const { policyId = '' }: { policyId?: string } = useParams({ strict: false });
    const result = useQuery(queries.policy(policyId));
    return (
        <WithData result={result} missing="This policy does not exist">
            {(policy) => <Details policy={policy} />}
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
                    <Switch
                        id="policy-enabled"
                        label={policy.disabled ? 'Disabled' : 'Enabled'}
                        aria-label="Policy enabled"
                        isChecked={!policy.disabled}
                        isDisabled={!write('WorkflowAdministration') || change.isPending}
                        onChange={(_event, enabled) => change.mutate({ policies: [policy], disabled: !enabled })}
                    />
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
