// Images and deployments at most risk, and the age of images.
import { ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import type { DeploymentAtRisk, ImageAtRisk } from '@/api/ui';
import { SeverityCountIcons } from '@/components/Severity';
import { NoResults } from '@/components/States';
import { imageShortName, plural } from '@/lib/format';

export function ImagesAtRisk({ images }: { images: ImageAtRisk[] }) {
    const [all, setAll] = useState(false);
    if (images.length === 0) {
        return <NoResults filtered={false} text="No images" />;
    }
    return (
        <>
            <ToggleGroup aria-label="CVEs that are counted" isCompact>
                <ToggleGroupItem text="Fixable CVEs" isSelected={!all} onChange={() => setAll(false)} />
                <ToggleGroupItem text="All CVEs" isSelected={all} onChange={() => setAll(true)} />
            </ToggleGroup>
            <Table aria-label="Images at most risk" variant="compact" borders={false}>
                <Thead>
                    <Tr>
                        <Th>Image</Th>
                        <Th modifier="nowrap">Risk priority</Th>
                        <Th>CVEs by severity</Th>
                    </Tr>
                </Thead>
                <Tbody>
                    {images.map((image) => (
                        <Tr key={image.id}>
                            <Td dataLabel="Image" modifier="breakWord">
                                <Link to="/main/vulnerabilities/all-images/images/$imageId" params={{ imageId: image.id }}>
                                    {imageShortName(image.name)}
                                </Link>
                            </Td>
                            <Td dataLabel="Risk priority">{image.priority}</Td>
                            <Td dataLabel="CVEs by severity">
                                <SeverityCountIcons counts={all ? image.severityCounts : image.fixableSeverityCounts} noun="CVE" />
                            </Td>
                        </Tr>
                    ))}
                </Tbody>
            </Table>
        </>
    );
}

export function DeploymentsAtRisk({ deployments }: { deployments: DeploymentAtRisk[] }) {
    if (deployments.length === 0) {
        return <NoResults filtered={false} text="No deployments" />;
    }
    return (
        <Table aria-label="Deployments at most risk" variant="compact" borders={false}>
            <Thead>
                <Tr>
                    <Th>Deployment</Th>
                    <Th>Resource location</Th>
                    <Th modifier="nowrap">Risk priority</Th>
                </Tr>
            </Thead>
            <Tbody>
                {deployments.map(({ id, name, clusterName, namespace, priority }) => (
                    <Tr key={id}>
                        <Td dataLabel="Deployment">
                            <Link to="/main/vulnerabilities/user-workloads/deployments/$deploymentId" params={{ deploymentId: id }}>
                                {name}
                            </Link>
                        </Td>
                        <Td dataLabel="Resource location">{`in "${clusterName} / ${namespace}"`}</Td>
                        <Td dataLabel="Risk priority">{priority}</Td>
                    </Tr>
                ))}
            </Tbody>
        </Table>
    );
}

export function AgingImages({ bands }: { bands: { minDays: number; count: number }[] }) {
    const most = Math.max(1, ...bands.map(({ count }) => count));
    const total = bands.reduce((sum, { count }) => sum + count, 0);
    return (
        <>
            <p>{plural(total, 'aging image')}</p>
            <div className="rox-bars" role="list" aria-label="Images by age">
                {bands.map(({ minDays, count }, index) => {
                    const next = bands[index + 1];
                    const label = next === undefined ? `${minDays} days and older` : `${minDays}–${next.minDays} days`;
                    return (
                        <div key={minDays} role="listitem" style={{ display: 'contents' }}>
                            <span>{label}</span>
                            <span className="rox-bar" aria-hidden="true">
                                {count > 0 && <span className="rox-plain" style={{ width: `${(count / most) * 100}%` }} />}
                            </span>
                            <span>{count}</span>
                        </div>
                    );
                })}
            </div>
        </>
    );
}
