// One deployment: its vulnerabilities, its details, and its images.
import { Label, PageSection, Tab, TabTitleText, Tabs } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';

import { queries } from '@/api/queries';
import { Crumbs } from '@/components/Crumbs';
import { DeploymentFacts } from '@/components/DeploymentFacts';
import { PageHead } from '@/components/PageTitle';
import { WithData } from '@/components/States';
import { dateTime } from '@/lib/format';
import { exactly } from '@/lib/query';
import { useListState, useUrlChoice } from '@/lib/useUrlState';
import { usePermissions } from '@/shell/permissions';

import { FilterBar } from './FilterBar';
import { Frame, useView } from './Frame';
import { CveTable, ImageTable } from './tables';
import type { View } from './views';
import { BY_SEVERITY, IMAGE_PAGE_ENTITIES } from './views';

const TABS = ['Vulnerabilities', 'Details', 'Resources'] as const;

export default function DeploymentPage() {
    const view = useView();
    const { deploymentId = '' }: { deploymentId?: string } = useParams({ strict: false });
    const result = useQuery(queries.deployment(deploymentId));
    const [tab, setTab] = useUrlChoice('detailsTab', TABS);
    const { read } = usePermissions();
    const base = exactly('Deployment ID', deploymentId);
    return (
        <Frame>
            <Crumbs
                to={`/main/vulnerabilities/${view.path}`}
                search={{ entityTab: 'Deployment' }}
                parent="Deployments"
                current={result.data?.name ?? deploymentId}
            />
            <WithData result={result} missing="This deployment does not exist">
                {(deployment) => (
                    <>
                        <PageHead
                            title={deployment.name}
                            description={`in "${deployment.clusterName} / ${deployment.namespace}"`}
                            labels={
                                <>
                                    <Label isCompact>{deployment.type}</Label>
                                    <Label isCompact>Created: {dateTime(deployment.created)}</Label>
                                    {read('Alert') && (
                                        <Link to="/main/violations" search={{ filteredWorkflowView: 'Full view', s: exactly('Deployment ID', deploymentId) }}>
                                            Violations of this deployment
                                        </Link>
                                    )}
                                </>
                            }
                        />
                        <PageSection type="tabs">
                            <Tabs activeKey={tab} onSelect={(_event, key) => setTab(TABS.find((item) => item === key) ?? 'Vulnerabilities')} aria-label="Parts of the deployment page">
                                {TABS.map((item) => (
                                    <Tab key={item} eventKey={item} tabContentId="deployment-part" title={<TabTitleText>{item}</TabTitleText>} />
                                ))}
                            </Tabs>
                        </PageSection>
                        <PageSection id="deployment-part" isFilled>
                            {tab === 'Vulnerabilities' && <Vulnerabilities view={view} base={base} />}
                            {tab === 'Details' && <DeploymentFacts deployment={deployment} />}
                            {tab === 'Resources' && <ImageTable view={view} base={base} />}
                        </PageSection>
                    </>
                )}
            </WithData>
        </Frame>
    );
}

function Vulnerabilities({ view, base }: { view: View; base: Record<string, string[]> }) {
    const list = useListState([], BY_SEVERITY);
    return (
        <>
            <FilterBar entities={IMAGE_PAGE_ENTITIES} filter={list.filter} onChange={list.setFilter} />
            <CveTable view={view} base={base} />
        </>
    );
}
