// One violation: what happened, where, and by which policy.
import { Card, CardBody, CardTitle, Label, PageSection, Tab, TabTitleText, Tabs } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';

import { queries } from '@/api/queries';
import type { Alert, ExplainedViolation, NetworkEntity, ProcessIndicator, Violation } from '@/api/rest';
import { Crumbs } from '@/components/Crumbs';
import { DeploymentFacts } from '@/components/DeploymentFacts';
import { Facts, KeyValues } from '@/components/Facts';
import { PageHead } from '@/components/PageTitle';
import { PolicyFacts } from '@/components/PolicyFacts';
import { SeverityLabel } from '@/components/Severity';
import { WithData } from '@/components/States';
import { dateTime, enforcement, lifecycles, sentence } from '@/lib/format';
import { useUrlChoice } from '@/lib/useUrlState';
import { usePermissions } from '@/shell/permissions';

import { Causes, ExplanationPart } from './Explanation';
import { explanationAt } from './explanation';

export default function ViolationPage() {
    const { alertId = '' }: { alertId?: string } = useParams({ strict: false });
    const result = useQuery(queries.alert(alertId));
    return (
        <WithData result={result} missing="This violation does not exist">
            {(alert) => <Details alert={alert} />}
        </WithData>
    );
}

function subject(alert: Alert): { name: string; type: string } {
    if (alert.deployment) {
        return { name: alert.deployment.name, type: sentence(alert.deployment.type || 'deployment').toLowerCase() };
    }
    if (alert.node) {
        return { name: alert.node.name, type: 'node' };
    }
    if (alert.image) {
        return { name: alert.image.name?.fullName ?? alert.image.id, type: 'image' };
    }
    return { name: alert.resource?.name ?? '-', type: sentence(alert.resource?.resourceType ?? 'resource').toLowerCase() };
}

function Details({ alert }: { alert: Alert }) {
    const { name, type } = subject(alert);
    const tabs = [
        'Violation',
        ...(alert.policy ? ['Explanation'] : []),
        ...(alert.enforcement || alert.enforcementCount > 0 ? ['Enforcement'] : []),
        ...(alert.deployment ? ['Deployment'] : []),
        ...(alert.policy ? ['Policy'] : []),
    ];
    const [tab, setTab] = useUrlChoice('tab', tabs);
    const title = alert.policy?.name ?? 'Violation';
    return (
        <>
            <Crumbs to="/main/violations" parent="Violations" current={title} />
            <PageHead
                title={title}
                description={`in "${name}" ${type}`}
                labels={
                    <>
                        <Label isCompact>State: {sentence(alert.state)}</Label>
                        {alert.resolvedAt && <Label isCompact>Resolved on: {dateTime(alert.resolvedAt)}</Label>}
                        <Label isCompact>Lifecycle: {lifecycles([alert.lifecycleStage])}</Label>
                        <SeverityLabel severity={alert.policy?.severity ?? ''} scale="policy" />
                    </>
                }
            />
            <PageSection type="tabs">
                <Tabs activeKey={tab} onSelect={(_event, key) => setTab(String(key))} aria-label="Parts of the violation">
                    {tabs.map((item) => (
                        <Tab key={item} eventKey={item} tabContentId="violation-part" title={<TabTitleText>{item}</TabTitleText>} />
                    ))}
                </Tabs>
            </PageSection>
            <PageSection id="violation-part" isFilled aria-label={tab}>
                {tab === 'Violation' && <Messages alert={alert} />}
                {tab === 'Explanation' && <ExplanationPart alertId={alert.id} />}
                {tab === 'Enforcement' && <Enforced alert={alert} />}
                {tab === 'Deployment' && alert.deployment && <DeploymentPart alert={alert} />}
                {tab === 'Policy' && alert.policy && <PolicyFacts policy={alert.policy} />}
            </PageSection>
        </>
    );
}

function Messages({ alert }: { alert: Alert }) {
    const processes = alert.processViolation;
    // The messages stand without it: an older Central has no explanations.
    const { data: explanation } = useQuery(queries.explanation(alert.id));
    const explained = (kind: ExplainedViolation['kind'], place: number) => explanationAt(explanation?.violations ?? [], kind, place);
    return (
        <div className="rox-stack">
            <Facts
                columns={3}
                facts={[
                    ['First violation', dateTime(alert.firstOccurred)],
                    ['Last violation', dateTime(alert.time)],
                    ['Where', [alert.clusterName, alert.namespace].filter((part) => part !== '').join(' / ')],
                ]}
            />
            {processes && processes.processes.length > 0 && (
                <Card>
                    <CardTitle component="h2">{processes.message || 'Processes'}</CardTitle>
                    <CardBody className="rox-stack">
                        <Causes explained={explained('PROCESS', 0)} />
                        {processes.processes.map((process) => (
                            <ProcessCard key={process.id} process={process} />
                        ))}
                    </CardBody>
                </Card>
            )}
            {alert.violations.map((violation, index) => (
                // Violations have no id, and the list of one alert never changes its order.
                <ViolationCard key={index} violation={violation} explained={explained('VIOLATION', index)} />
            ))}
            {alert.violations.length === 0 && !processes?.processes.length && <p>The alert carries no violation message.</p>}
        </div>
    );
}

function ProcessCard({ process }: { process: ProcessIndicator }) {
    const { signal } = process;
    const parents = (signal?.lineageInfo ?? []).map(({ parentExecFilePath, parentUid }) => `${parentExecFilePath} (UID ${parentUid})`);
    return (
        <Card isCompact>
            <CardTitle component="h3" className="rox-mono">
                {signal?.execFilePath ?? signal?.name ?? process.id}
            </CardTitle>
            <CardBody>
                <Facts
                    columns={2}
                    facts={[
                        ['Arguments', <span key="args" className="rox-mono">{signal?.args || '-'}</span>],
                        ['Time', dateTime(signal?.time)],
                        ['User ID', signal?.uid],
                        ['Process ID', signal?.pid],
                        ['Container', process.containerName],
                        ['Container ID', signal?.containerId],
                        ['Pod', process.podId],
                        ['Ancestors', parents.length > 0 ? parents.join(' ← ') : '-'],
                    ]}
                />
            </CardBody>
        </Card>
    );
}

function endpoint(entity: NetworkEntity | null): string {
    if (entity === null) {
        return '-';
    }
    const where = entity.deploymentNamespace === '' ? '' : ` in ${entity.deploymentNamespace}`;
    return `${entity.name}${where}${entity.port > 0 ? `:${entity.port}` : ''}`;
}

function ViolationCard({ violation, explained }: { violation: Violation; explained: ExplainedViolation | undefined }) {
    const flow = violation.networkFlowInfo;
    const attributes = violation.keyValueAttrs?.attrs ?? [];
    return (
        <Card isCompact>
            <CardBody>
                <p className="rox-break">{violation.message}</p>
                {violation.time && <small className="rox-subtle">{dateTime(violation.time)}</small>}
                {attributes.length > 0 && <Facts facts={attributes.map(({ key, value }) => [key, value])} />}
                {flow && (
                    <Facts
                        columns={3}
                        facts={[
                            ['Source', endpoint(flow.source)],
                            ['Destination', endpoint(flow.destination)],
                            ['Protocol', flow.protocol.replace('L4_PROTOCOL_', '')],
                        ]}
                    />
                )}
                <Causes explained={explained} />
            </CardBody>
        </Card>
    );
}

function Enforced({ alert }: { alert: Alert }) {
    return (
        <Facts
            facts={[
                ['Action', enforcement(alert.enforcement?.action ?? '')],
                ['Message', alert.enforcement?.message],
                ['Enforced', `${alert.enforcementCount} times`],
            ]}
        />
    );
}

function DeploymentPart({ alert }: { alert: Alert }) {
    const { read } = usePermissions();
    const id = alert.deployment?.id ?? '';
    const live = useQuery({ ...queries.deployment(id), enabled: id !== '' && read('Deployment'), retry: false });
    if (live.data !== undefined) {
        return (
            <div className="rox-stack">
                <Link to="/main/vulnerabilities/all-images/deployments/$deploymentId" params={{ deploymentId: id }}>
                    Vulnerabilities of this deployment
                </Link>
                <DeploymentFacts deployment={live.data} />
            </div>
        );
    }
    const { deployment } = alert;
    return (
        <div className="rox-stack">
            <p>As it was when the violation occurred.</p>
            <Facts
                facts={[
                    ['Deployment', deployment?.name],
                    ['Type', deployment?.type],
                    ['Cluster', deployment?.clusterName],
                    ['Namespace', deployment?.namespace],
                    ['Labels', <KeyValues key="labels" values={deployment?.labels} />],
                    ['Annotations', <KeyValues key="annotations" values={deployment?.annotations} />],
                    ['Images', (deployment?.containers ?? []).map(({ image }) => image?.name?.fullName ?? image?.id).join(', ')],
                ]}
            />
        </div>
    );
}
