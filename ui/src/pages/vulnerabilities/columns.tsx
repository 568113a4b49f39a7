// The columns of the three kinds of rows.
import { Label } from '@patternfly/react-core';
import { Link } from '@tanstack/react-router';

import type { CveRow, DeploymentRow, ImageRow } from '@/api/ui';
import type { Column } from '@/components/ListTable';
import { SeverityCountIcons } from '@/components/Severity';
import { Age, Since } from '@/components/Since';
import type { Rank } from '@/lib/format';
import { dateOnly, dateTime, imageShortName, plural, probability, score } from '@/lib/format';

import type { View } from './views';

export function KnownExploit({ known }: { known: boolean }) {
    return known ? (
        <div>
            <Label isCompact color="red">
                Known exploit
            </Label>
        </div>
    ) : null;
}

const base = (view: View) => `/main/vulnerabilities/${view.path}`;

export function CveLink({ view, cve }: { view: View; cve: string }) {
    return (
        <Link to={`${base(view)}/cves/$cveId`} params={{ cveId: cve }}>
            {cve}
        </Link>
    );
}

export function ImageLink({ view, id, name }: { view: View; id: string; name: string }) {
    return (
        <Link to={`${base(view)}/images/$imageId`} params={{ imageId: id }} className="rox-break">
            {imageShortName(name) || id}
        </Link>
    );
}

export function DeploymentLink({ view, id, name }: { view: View; id: string; name: string }) {
    return (
        <Link to={`${base(view)}/deployments/$deploymentId`} params={{ deploymentId: id }}>
            {name}
        </Link>
    );
}

export function cveColumns(view: View, shown: readonly Rank[]): readonly Column<CveRow>[] {
    return [
        {
            title: 'CVE',
            sortField: 'cve',
            nowrap: true,
            cell: ({ cve, knownExploit }) => (
                <>
                    <CveLink view={view} cve={cve} /> <KnownExploit known={knownExploit} />
                </>
            ),
        },
        {
            title: 'Images by severity',
            sortField: 'severity',
            firstDirection: 'desc',
            cell: ({ severityCounts }) => <SeverityCountIcons counts={severityCounts} noun="image" shown={shown} />,
        },
        { title: 'Top CVSS', sortField: 'topCvss', firstDirection: 'desc', cell: ({ topCvss }) => score(topCvss) },
        { title: 'Top NVD CVSS', cell: ({ topNvdCvss }) => score(topNvdCvss) },
        { title: 'EPSS probability', sortField: 'epssProbability', firstDirection: 'desc', cell: ({ epssProbability }) => probability(epssProbability) },
        { title: 'Affected images', sortField: 'imageCount', firstDirection: 'desc', cell: ({ imageCount }) => plural(imageCount, 'image') },
        { title: 'First discovered', sortField: 'firstDiscovered', firstDirection: 'desc', nowrap: true, cell: ({ firstDiscovered }) => <Since time={firstDiscovered} /> },
        { title: 'Published', nowrap: true, cell: ({ published }) => dateOnly(published) },
    ];
}

export function imageColumns(view: View, shown: readonly Rank[]): readonly Column<ImageRow>[] {
    return [
        {
            title: 'Image',
            sortField: 'name',
            width: 30,
            cell: ({ id, name, scanned }) => (
                <>
                    <ImageLink view={view} id={id} name={name} />{' '}
                    {!scanned && (
                        <Label isCompact color="yellow">
                            Not scanned
                        </Label>
                    )}
                    <div>
                        <small className="rox-subtle">{name.slice(0, Math.max(name.indexOf('/'), 0))}</small>
                    </div>
                </>
            ),
        },
        {
            title: 'CVEs by severity',
            sortField: 'severity',
            firstDirection: 'desc',
            cell: ({ severityCounts }) => <SeverityCountIcons counts={severityCounts} noun="CVE" shown={shown} />,
        },
        { title: 'Operating system', sortField: 'operatingSystem', cell: ({ operatingSystem }) => operatingSystem || 'Unknown' },
        { title: 'Deployments', sortField: 'deploymentCount', firstDirection: 'desc', cell: ({ deploymentCount }) => plural(deploymentCount, 'deployment') },
        { title: 'Age', sortField: 'created', nowrap: true, cell: ({ created }) => <Age time={created} /> },
        { title: 'Scan time', sortField: 'scanTime', firstDirection: 'desc', nowrap: true, cell: ({ scanTime }) => dateTime(scanTime) },
    ];
}

export function deploymentColumns(view: View, shown: readonly Rank[]): readonly Column<DeploymentRow>[] {
    return [
        { title: 'Deployment', sortField: 'name', width: 25, cell: ({ id, name }) => <DeploymentLink view={view} id={id} name={name} /> },
        {
            title: 'CVEs by severity',
            sortField: 'severity',
            firstDirection: 'desc',
            cell: ({ severityCounts }) => <SeverityCountIcons counts={severityCounts} noun="CVE" shown={shown} />,
        },
        { title: 'Cluster', sortField: 'clusterName', cell: ({ clusterName }) => clusterName },
        { title: 'Namespace', sortField: 'namespace', cell: ({ namespace }) => namespace },
        { title: 'Images', sortField: 'imageCount', firstDirection: 'desc', cell: ({ imageCount }) => plural(imageCount, 'image') },
        { title: 'First discovered', sortField: 'firstDiscovered', firstDirection: 'desc', nowrap: true, cell: ({ firstDiscovered }) => <Since time={firstDiscovered} /> },
    ];
}

export const CVE_SORTS = ['severity', 'topCvss', 'epssProbability', 'imageCount', 'firstDiscovered', 'cve'];
export const IMAGE_SORTS = ['severity', 'name', 'operatingSystem', 'deploymentCount', 'created', 'scanTime'];
export const DEPLOYMENT_SORTS = ['severity', 'name', 'clusterName', 'namespace', 'imageCount', 'firstDiscovered'];
export const IMAGE_CVE_SORTS = ['severity', 'cvss', 'epssProbability', 'firstDiscovered', 'cve'];
