// One secured cluster: health, versions and configuration.
import { Card, CardBody, CardTitle, Grid, GridItem, PageSection } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { queries } from '@/api/queries';
import type { Cluster, Health } from '@/api/rest';
import { Crumbs } from '@/components/Crumbs';
import type { Fact } from '@/components/Facts';
import { Facts, KeyValues, yesNo } from '@/components/Facts';
import { HealthLabel } from '@/components/Health';
import { PageHead } from '@/components/PageTitle';
import { WithData } from '@/components/States';
import { dateTime, sentence } from '@/lib/format';

import { Expiry } from './Expiry';
import { managerText, pods, providerText, sensorText, typeText } from './words';

export default function ClusterPage() {
    const { clusterId = '' }: { clusterId?: string } = useParams({ strict: false });
    const result = useQuery(queries.cluster(clusterId));
    return (
        <WithData result={result} missing="This cluster does not exist">
            {(cluster) => <Details cluster={cluster} />}
        </WithData>
    );
}

function Details({ cluster }: { cluster: Cluster }) {
    const { status, healthStatus: health, dynamicConfig: dynamic } = cluster;
    const collector = health?.collectorHealthInfo;
    const admission = health?.admissionControlHealthInfo;
    const scanner = health?.scannerHealthInfo;
    return (
        <>
            <Crumbs to="/main/clusters" parent="Clusters" current={cluster.name} />
            <PageHead title={cluster.name} labels={<HealthLabel health={health?.overallHealthStatus} />} />
            <PageSection isFilled>
                <Grid hasGutter>
                    <GridItem md={6} xl={3}>
                        <HealthCard title="Sensor" health={health?.sensorHealthStatus} facts={[['Last contact', dateTime(health?.lastContact)], ['Version', status?.sensorVersion], ['Compatibility', sensorText(cluster)]]} />
                    </GridItem>
                    <GridItem md={6} xl={3}>
                        <HealthCard title="Collector" health={health?.collectorHealthStatus} facts={[['Pods', pods(collector?.totalReadyPods, collector?.totalDesiredPods)], ['Version', collector?.version]]} errors={collector?.statusErrors} />
                    </GridItem>
                    <GridItem md={6} xl={3}>
                        <HealthCard title="Admission control" health={health?.admissionControlHealthStatus} facts={[['Pods', pods(admission?.totalReadyPods, admission?.totalDesiredPods)]]} errors={admission?.statusErrors} />
                    </GridItem>
                    <GridItem md={6} xl={3}>
                        <HealthCard title="Scanner" health={health?.scannerHealthStatus} facts={[['Pods', pods(scanner?.totalReadyAnalyzerPods, scanner?.totalDesiredAnalyzerPods)]]} errors={scanner?.statusErrors} />
                    </GridItem>
                    <GridItem xl={6}>
                        <Section title="Cluster">
                            <Facts
                                facts={[
                                    ['ID', cluster.id],
                                    ['Type', typeText(cluster.type)],
                                    ['Managed by', managerText(cluster.managedBy)],
                                    ['Kubernetes version', status?.orchestratorMetadata?.version],
                                    ['OpenShift version', status?.orchestratorMetadata?.openshiftVersion],
                                    ['Provider', providerText(cluster)],
                                    ['Credentials expire', <Expiry key="expiry" cluster={cluster} />],
                                    ['Labels', <KeyValues key="labels" values={cluster.labels} />],
                                ]}
                            />
                        </Section>
                    </GridItem>
                    <GridItem xl={6}>
                        <Section title="Static configuration">
                            <Facts
                                facts={[
                                    ['Main image', cluster.mainImage],
                                    ['Collector image', cluster.collectorImage],
                                    ['Central endpoint', cluster.centralApiEndpoint],
                                    ['Collection method', sentence(cluster.collectionMethod)],
                                    ['Admission control', yesNo(cluster.admissionController)],
                                    ['Refuses when it fails', yesNo(cluster.admissionControllerFailOnError)],
                                ]}
                            />
                        </Section>
                    </GridItem>
                    <GridItem xl={6}>
                        <Section title="Dynamic configuration">
                            <Facts
                                facts={[
                                    ['Default image registry', dynamic?.registryOverride],
                                    ['Enforce on object creates', yesNo(dynamic?.admissionControllerConfig?.enabled)],
                                    ['Enforce on object updates', yesNo(dynamic?.admissionControllerConfig?.enforceOnUpdates)],
                                    ['Bypass annotation', dynamic?.admissionControllerConfig?.disableBypass ? 'Disabled' : 'Enabled'],
                                    ['Audit logs', dynamic?.disableAuditLogs ? 'Disabled' : 'Enabled'],
                                    ['Locks process baselines', yesNo(dynamic?.autoLockProcessBaselinesConfig?.enabled)],
                                ]}
                            />
                        </Section>
                    </GridItem>
                </Grid>
            </PageSection>
        </>
    );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
    return (
        <Card isCompact isFullHeight>
            <CardTitle component="h2">{title}</CardTitle>
            <CardBody>{children}</CardBody>
        </Card>
    );
}

interface HealthCardProps {
    title: string;
    health: Health | undefined;
    facts: readonly Fact[];
    errors?: readonly string[];
}

function HealthCard({ title, health, facts, errors = [] }: HealthCardProps) {
    return (
        <Section title={title}>
            <div className="rox-stack">
                <HealthLabel health={health} />
                <Facts facts={facts} />
                {errors.map((error) => (
                    <p key={error} className="rox-break">
                        {error}
                    </p>
                ))}
            </div>
        </Section>
    );
}
