// A deployment as Central knows it.
import { Card, CardBody, CardTitle } from '@patternfly/react-core';

import type { Deployment } from '@/api/rest';
import { dateTime, sentence } from '@/lib/format';

import { Facts, KeyValues, yesNo } from './Facts';

type Container = Deployment['containers'][number];

export function DeploymentFacts({ deployment }: { deployment: Deployment }) {
    const host = [deployment.hostNetwork && 'network', deployment.hostPid && 'processes', deployment.hostIpc && 'IPC'].filter(Boolean).join(', ');
    return (
        <div className="rox-stack">
            <Card isCompact>
                <CardTitle component="h2">Deployment overview</CardTitle>
                <CardBody>
                    <Facts
                        columns={2}
                        facts={[
                            ['Deployment ID', deployment.id],
                            ['Deployment name', deployment.name],
                            ['Deployment type', deployment.type],
                            ['Cluster', deployment.clusterName],
                            ['Replicas', String(deployment.replicas)],
                            ['Created', dateTime(deployment.created)],
                            ['Namespace', deployment.namespace],
                            ['Service account', deployment.serviceAccount],
                            ['Shared with the host', host],
                            ['Image pull secrets', deployment.imagePullSecrets.join(', ')],
                            ['Labels', <KeyValues key="labels" values={deployment.labels} />],
                            ['Annotations', <KeyValues key="annotations" values={deployment.annotations} />],
                        ]}
                    />
                </CardBody>
            </Card>
            <Card isCompact>
                <CardTitle component="h2">Port configuration</CardTitle>
                <CardBody>
                    {deployment.ports.length === 0 ? (
                        'No ports'
                    ) : (
                        <ul className="rox-list-plain">
                            {deployment.ports.map((port) => (
                                <li key={`${port.protocol}-${port.containerPort}`}>
                                    {`${port.containerPort}/${port.protocol} ${port.name} (${sentence(port.exposure)})`}
                                </li>
                            ))}
                        </ul>
                    )}
                </CardBody>
            </Card>
            {deployment.containers.map((container) => (
                <ContainerCard key={container.name} container={container} />
            ))}
        </div>
    );
}

function ContainerCard({ container }: { container: Container }) {
    const { config, securityContext, resources } = container;
    return (
        <Card isCompact>
            <CardTitle component="h2">Container {container.name}</CardTitle>
            <CardBody>
                <Facts
                    columns={2}
                    facts={[
                        ['Image', <span key="image" className="rox-break">{container.image?.name?.fullName ?? container.image?.id}</span>],
                        ['Command', <span key="command" className="rox-mono">{[...(config?.command ?? []), ...(config?.args ?? [])].join(' ')}</span>],
                        ['User', config?.user],
                        ['Privileged', yesNo(securityContext?.privileged)],
                        ['Read-only root file system', yesNo(securityContext?.readOnlyRootFilesystem)],
                        ['Added capabilities', securityContext?.addCapabilities.join(', ')],
                        ['Dropped capabilities', securityContext?.dropCapabilities.join(', ')],
                        ['CPU request / limit', `${resources?.cpuCoresRequest ?? 0} / ${resources?.cpuCoresLimit ?? 0} cores`],
                        ['Memory request / limit', `${resources?.memoryMbRequest ?? 0} / ${resources?.memoryMbLimit ?? 0} MB`],
                        ['Volumes', container.volumes.map(({ name, destination, readOnly }) => `${name} at ${destination}${readOnly ? ' (read-only)' : ''}`).join(', ')],
                        ['Environment', (config?.env ?? []).map(({ key }) => key).join(', ')],
                    ]}
                />
            </CardBody>
        </Card>
    );
}
