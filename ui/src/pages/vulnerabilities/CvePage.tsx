// One CVE: the images and deployments that it affects.
import { ExpandableSection, PageSection, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';

import { queries } from '@/api/queries';
import type { CveDetail, ImageRow } from '@/api/ui';
import { Crumbs } from '@/components/Crumbs';
import { Facts } from '@/components/Facts';
import type { Column } from '@/components/ListTable';
import { PageHead } from '@/components/PageTitle';
import { SeverityLabel } from '@/components/Severity';
import { Since } from '@/components/Since';
import { Loading, WithData } from '@/components/States';
import { RANKS, dateTime, plural, probability, score } from '@/lib/format';
import { exactly, toQuery } from '@/lib/query';
import { useListState, useUrlChoice } from '@/lib/useUrlState';

import { SeverityCard, SummaryCard, SummaryCards } from './Cards';
import { FilterBar } from './FilterBar';
import { Frame, useView } from './Frame';
import { ImageLink, IMAGE_SORTS, KnownExploit } from './columns';
import { ComponentTable } from './ComponentTable';
import { SafeLink } from './SafeLink';
import { DeploymentTable, PagedTable, listParams } from './tables';
import type { View } from './views';
import { BY_SEVERITY, CVE_PAGE_ENTITIES, shownRanks } from './views';

export default function CvePage() {
    const view = useView();
    const { cveId = '' }: { cveId?: string } = useParams({ strict: false });
    const list = useListState([], BY_SEVERITY);
    const result = useQuery(queries.cve(cveId, toQuery(list.filter, view.base)));
    const [tab, setTab] = useUrlChoice('entityTab', ['Image', 'Deployment']);
    const base = { ...view.base, ...exactly('CVE', cveId) };
    return (
        <Frame>
            <Crumbs to={`/main/vulnerabilities/${view.path}`} parent="CVEs" current={cveId} />
            <WithData result={result} missing={`${cveId} is not found in any image that you may see`}>
                {(cve) => (
                    <>
                        <Head cve={cve} />
                        <PageSection isFilled>
                            <div className="rox-stack">
                                <FilterBar entities={CVE_PAGE_ENTITIES} filter={list.filter} onChange={list.setFilter} />
                                <SummaryCards>
                                    <SummaryCard title="Affected images">
                                        {`${plural(cve.imageCount, 'image')} of ${cve.totalImages}, ${plural(cve.deploymentCount, 'deployment')}`}
                                    </SummaryCard>
                                    <SeverityCard title="Images by severity" counts={cve.imageSeverityCounts} shown={shownRanks(list.filter)} />
                                </SummaryCards>
                                <ToggleGroup aria-label="Kind of results">
                                    <ToggleGroupItem text={plural(cve.imageCount, 'Image')} isSelected={tab === 'Image'} onChange={() => setTab('Image')} />
                                    <ToggleGroupItem text={plural(cve.deploymentCount, 'Deployment')} isSelected={tab === 'Deployment'} onChange={() => setTab('Deployment')} />
                                </ToggleGroup>
                            </div>
                            {tab === 'Image' ? <AffectedImages view={view} base={base} cve={cveId} /> : <DeploymentTable view={view} base={base} />}
                        </PageSection>
                    </>
                )}
            </WithData>
        </Frame>
    );
}

function Head({ cve }: { cve: CveDetail }) {
    return (
        <>
            <PageHead title={cve.cve} labels={<KnownExploit known={cve.knownExploit} />} description={cve.summary} />
            <PageSection>
                <Facts
                    columns={3}
                    facts={[
                        ['First discovered', dateTime(cve.firstDiscovered)],
                        ['Published', dateTime(cve.published)],
                        ['EPSS probability', probability(cve.epssProbability)],
                        ['Top CVSS', score(cve.topCvss)],
                        ['Top NVD CVSS', score(cve.topNvdCvss)],
                        ['More about it', <SafeLink key="link" href={cve.link} />],
                    ]}
                />
                {cve.distros.length > 0 && <Distros cve={cve} />}
            </PageSection>
        </>
    );
}

function Distros({ cve }: { cve: CveDetail }) {
    return (
        <ExpandableSection toggleText={`Rating by operating system (${cve.distros.length})`}>
            <ul className="rox-list-plain">
                {cve.distros.map(({ operatingSystem, severity, cvss, link }) => (
                    <li key={operatingSystem}>
                        {operatingSystem || 'Unknown operating system'}: <SeverityLabel severity={severity} scale="vulnerability" />, CVSS {score(cvss)}{' '}
                        <SafeLink href={link} text={`advisory for ${operatingSystem || 'unknown'}`} />
                    </li>
                ))}
            </ul>
        </ExpandableSection>
    );
}

function AffectedImages({ view, base, cve }: { view: View; base: Record<string, string[]>; cve: string }) {
    const list = useListState(IMAGE_SORTS, BY_SEVERITY);
    const result = useQuery(queries.images(listParams(list, base)));
    const columns: readonly Column<ImageRow>[] = [
        { title: 'Image', sortField: 'name', width: 30, cell: ({ id, name }) => <ImageLink view={view} id={id} name={name} /> },
        {
            title: 'CVE severity',
            sortField: 'severity',
            firstDirection: 'desc',
            cell: ({ severityCounts }) => {
                const rank = RANKS.find((item) => severityCounts[item] > 0) ?? 'unknown';
                return <SeverityLabel severity={`${rank.toUpperCase()}_VULNERABILITY_SEVERITY`} scale="vulnerability" />;
            },
        },
        { title: 'CVE status', cell: ({ fixableCounts }) => (fixableCounts.fixable > 0 ? 'Fixable' : 'Not fixable') },
        { title: 'CVSS', cell: ({ topCvss }) => score(topCvss) },
        { title: 'Operating system', sortField: 'operatingSystem', cell: ({ operatingSystem }) => operatingSystem || 'Unknown' },
        { title: 'First discovered', nowrap: true, cell: ({ firstDiscovered }) => <Since time={firstDiscovered} /> },
    ];
    return (
        <PagedTable
            label="Affected images"
            noun={['image', 'images']}
            result={result}
            list={list}
            columns={columns}
            rowId={({ id }) => id}
            rowName={({ name }) => name}
            expanded={({ id }) => <Components image={id} cve={cve} />}
        />
    );
}

function Components({ image, cve }: { image: string; cve: string }) {
    const result = useQuery(queries.imageCves(image, { query: toQuery(exactly('CVE', cve)), limit: 1, offset: 0 }));
    const first = result.data?.items[0];
    if (result.isPending) {
        return <Loading />;
    }
    return first === undefined ? 'No component is known.' : <ComponentTable components={first.components} count={first.componentCount} />;
}
