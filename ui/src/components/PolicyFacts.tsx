// A policy, read-only: the same on the policy's page and on the violation's.
import { Card, CardBody, CardTitle, Label, LabelGroup } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { Fragment } from 'react';

import type { Policy, PolicyGroup, Scope } from '@/api/rest';
import { dateTime, enforcement, lifecycles, sentence } from '@/lib/format';

import { Facts } from './Facts';
import { SeverityLabel } from './Severity';

export function originOf(policy: { isDefault: boolean; source: string }): string {
    if (policy.isDefault) {
        return 'System';
    }
    return policy.source === 'DECLARATIVE' ? 'Externally managed' : 'Locally managed';
}

export function PolicyFacts({ policy }: { policy: Policy }) {
    return (
        <div className="rox-stack">
            <Section title="Policy overview">
                <Facts
                    facts={[
                        ['Severity', <SeverityLabel key="severity" severity={policy.severity} scale="policy" />],
                        ['Categories', policy.categories.join(', ')],
                        ['Origin', originOf(policy)],
                        ['Description', policy.description],
                        ['Rationale', policy.rationale],
                        ['Guidance', policy.remediation],
                        ['Last updated', dateTime(policy.lastUpdated)],
                        ['MITRE ATT&CK', policy.mitreAttackVectors.map(({ tactic, techniques }) => [tactic, ...techniques].join(' › ')).join(', ')],
                    ]}
                />
            </Section>
            <Section title="Policy behavior">
                <Facts
                    facts={[
                        ['Lifecycle stages', lifecycles(policy.lifecycleStages)],
                        ['Event source', policy.eventSource === 'NOT_APPLICABLE' ? 'Not applicable' : sentence(policy.eventSource)],
                        ['Response', policy.enforcementActions.length === 0 ? 'Inform' : 'Inform and enforce'],
                        ['Enforcement', policy.enforcementActions.map(enforcement).join(', ')],
                    ]}
                />
            </Section>
            <Section title="Policy criteria">
                <Criteria policy={policy} />
            </Section>
            <Section title="Policy resources">
                <Facts
                    facts={[
                        ['Included resources', policy.scope.length === 0 ? 'All' : <Lines key="scope" lines={policy.scope.map(scopeText)} />],
                        ['Excluded resources', policy.exclusions.length === 0 ? 'None' : <Lines key="exclusions" lines={policy.exclusions.map(exclusionText)} />],
                    ]}
                />
            </Section>
        </div>
    );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
    return (
        <Card isCompact>
            <CardTitle component="h2">{title}</CardTitle>
            <CardBody>{children}</CardBody>
        </Card>
    );
}

function Lines({ lines }: { lines: readonly string[] }) {
    return (
        <ul className="rox-list-plain">
            {lines.map((line, index) => (
                <li key={`${index}-${line}`}>{line}</li>
            ))}
        </ul>
    );
}

export function scopeText({ cluster, namespace, label }: Scope): string {
    const parts = [
        cluster !== '' && `cluster ${cluster}`,
        namespace !== '' && `namespace ${namespace}`,
        label !== null && label.key !== '' && `label ${label.key}=${label.value}`,
    ];
    return parts.filter(Boolean).join(', ') || 'all';
}

function exclusionText({ name, deployment, image }: Policy['exclusions'][number]): string {
    const parts = [
        deployment !== null && deployment.name !== '' && `deployment ${deployment.name}`,
        deployment?.scope && scopeText(deployment.scope),
        image !== null && image.name !== '' && `image ${image.name}`,
    ].filter(Boolean);
    return parts.join(', ') || name;
}

function Criteria({ policy }: { policy: Policy }) {
    if (policy.policySections.length === 0) {
        return 'None';
    }
    return (
        <div className="rox-stack">
            {policy.policySections.map((section, index) => (
                <Fragment key={`${index}-${section.sectionName}`}>
                    {index > 0 && <strong>OR</strong>}
                    <div className="rox-criteria">
                        <h3>
                            <strong>{section.sectionName || `Rule ${index + 1}`}</strong>
                        </h3>
                        {section.policyGroups.map((group, position) => (
                            <div key={`${position}-${group.fieldName}`}>
                                {position > 0 && <strong>AND </strong>}
                                <Group group={group} />
                            </div>
                        ))}
                    </div>
                </Fragment>
            ))}
        </div>
    );
}

function Group({ group }: { group: PolicyGroup }) {
    return (
        <LabelGroup categoryName={`${group.negate ? 'NOT ' : ''}${group.fieldName}`} numLabels={12}>
            {group.values.map(({ value }, index) => (
                <Label key={`${index}-${value}`} isCompact variant="outline" textMaxWidth="60ch">
                    {index > 0 ? `${group.booleanOperator.toLowerCase()} ${value}` : value}
                </Label>
            ))}
        </LabelGroup>
    );
}
