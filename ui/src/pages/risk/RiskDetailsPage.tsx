// Why a deployment is at risk, what it is, and what ran in it.
import { Card, CardBody, CardTitle, EmptyState, Label, PageSection, Tab, TabTitleText, Tabs } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';

import { riskQueries } from '@/api/risk';
import type { DeploymentWithRisk, RiskResult } from '@/api/rest';
import { Crumbs } from '@/components/Crumbs';
import { DeploymentFacts } from '@/components/DeploymentFacts';
import { PageHead } from '@/components/PageTitle';
import { WithData } from '@/components/States';
import { exactly } from '@/lib/query';
import { useUrlChoice } from '@/lib/useUrlState';
import { usePermissions } from '@/shell/permissions';

import { SafeLink, isWebAddress } from '../vulnerabilities/SafeLink';

import { ProcessDiscovery } from './ProcessDiscovery';
import { priorityText } from './views';

export default function RiskDetailsPage() {
    const { deploymentId = '' }: { deploymentId?: string } = useParams({ strict: false });
    const result = useQuery(riskQueries.deployment(deploymentId));
    return (
        <WithData result={result} missing="This deployment does not exist">
            {(found) => <Details found={found} />}
        </WithData>
    );
}

function Details({ found: { deployment, risk } }: { found: DeploymentWithRisk }) {
    const { read } = usePermissions();
    const tabs = ['Risk indicators', 'Deployment details', ...(read('DeploymentExtension') ? ['Process discovery'] : [])];
    const [tab, setTab] = useUrlChoice('contentTab', tabs);
    if (deployment === null) {
        return <EmptyState headingLevel="h1" titleText="This deployment does not exist" />;
    }
    return (
        <>
            <Crumbs to="/main/risk/workloads" parent="Risk" current={deployment.name} />
            <PageHead
                title={deployment.name}
                description={`in "${deployment.clusterName} / ${deployment.namespace}"`}
                labels={
                    <>
                        <Label isCompact>Priority: {priorityText(deployment.priority)}</Label>
                        <Label isCompact>Risk score: {scoreText(risk?.score)}</Label>
                        {read('Alert') && (
                            <Link to="/main/violations" search={{ filteredWorkflowView: 'Full view', s: exactly('Deployment ID', deployment.id) }}>
                                Violations
                            </Link>
                        )}
                        <Link to="/main/vulnerabilities/all-images/deployments/$deploymentId" params={{ deploymentId: deployment.id }}>
                            Vulnerabilities
                        </Link>
                    </>
                }
            />
            <PageSection type="tabs">
                <Tabs activeKey={tab} onSelect={(_event, key) => setTab(String(key))} aria-label="Parts of the risk">
                    {tabs.map((item) => (
                        <Tab key={item} eventKey={item} tabContentId="risk-part" title={<TabTitleText>{item}</TabTitleText>} />
                    ))}
                </Tabs>
            </PageSection>
            <PageSection id="risk-part" isFilled aria-label={tab}>
                {tab === 'Risk indicators' && <Indicators results={risk?.results ?? []} />}
                {tab === 'Deployment details' && <DeploymentFacts deployment={deployment} />}
                {tab === 'Process discovery' && <ProcessDiscovery deployment={deployment} />}
            </PageSection>
        </>
    );
}

function scoreText(score: number | undefined): string {
    return score === undefined ? 'Not available' : score.toFixed(2);
}

function Indicators({ results }: { results: readonly RiskResult[] }) {
    if (results.length === 0) {
        return <EmptyState headingLevel="h2" titleText="No risk indicator is known for this deployment" />;
    }
    return (
        <div className="rox-stack">
            <p className="rox-subtle">Each indicator multiplies the risk score; together they give it.</p>
            {results.map(({ name, score, factors }) => (
                <Card key={name} isCompact>
                    <CardTitle component="h2">
                        <span className="rox-row">
                            {name}
                            <Label isCompact variant="outline">{`× ${score.toFixed(2)}`}</Label>
                        </span>
                    </CardTitle>
                    <CardBody>
                        <ul className="rox-list-plain">
                            {factors.map(({ message, url }, index) => (
                                <li key={`${index}-${message}`} className="rox-break">
                                    {isWebAddress(url) ? <SafeLink href={url} text={message} /> : message}
                                </li>
                            ))}
                        </ul>
                    </CardBody>
                </Card>
            ))}
        </div>
    );
}
