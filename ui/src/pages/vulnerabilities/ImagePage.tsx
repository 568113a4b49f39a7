// One image: its vulnerabilities, and the deployments that use it.
import { Alert, ClipboardCopy, Label, PageSection, Tab, TabTitleText, Tabs } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';

import { queries } from '@/api/queries';
import type { ImageCve, ImageDetail } from '@/api/ui';
import { Crumbs } from '@/components/Crumbs';
import type { Column } from '@/components/ListTable';
import { PageHead } from '@/components/PageTitle';
import { SeverityLabel } from '@/components/Severity';
import { Age, Since } from '@/components/Since';
import { WithData } from '@/components/States';
import { dateOnly, dateTime, imageShortName, plural, probability, score } from '@/lib/format';
import { exactly, toQuery } from '@/lib/query';
import { useListState, useUrlChoice } from '@/lib/useUrlState';

import { SeverityCard, StatusCard, SummaryCards } from './Cards';
import { FilterBar } from './FilterBar';
import { Frame, useView } from './Frame';
import { CveLink, IMAGE_CVE_SORTS, KnownExploit } from './columns';
import { ComponentTable } from './ComponentTable';
import { DeploymentTable, PagedTable, listParams } from './tables';
import type { View } from './views';
import { BY_SEVERITY, IMAGE_PAGE_ENTITIES, shownRanks } from './views';

const TABS = ['Vulnerabilities', 'Resources'] as const;

export default function ImagePage() {
    const view = useView();
    const { imageId = '' }: { imageId?: string } = useParams({ strict: false });
    const list = useListState([], BY_SEVERITY);
    const result = useQuery(queries.image(imageId, toQuery(list.filter)));
    const [tab, setTab] = useUrlChoice('detailsTab', TABS);
    return (
        <Frame>
            <Crumbs
                to={`/main/vulnerabilities/${view.path}`}
                search={{ entityTab: 'Image' }}
                parent="Images"
                current={imageShortName(result.data?.name ?? '') || imageId}
            />
            <WithData result={result} missing="This image does not exist">
                {(image) => (
                    <>
                        <Head image={image} />
                        <PageSection type="tabs">
                            <Tabs activeKey={tab} onSelect={(_event, key) => setTab(TABS.find((item) => item === key) ?? 'Vulnerabilities')} aria-label="Parts of the image page">
                                {TABS.map((item) => (
                                    <Tab key={item} eventKey={item} tabContentId="image-part" title={<TabTitleText>{item}</TabTitleText>} />
                                ))}
                            </Tabs>
                        </PageSection>
                        <PageSection id="image-part" isFilled>
                            {tab === 'Vulnerabilities' ? (
                                <Vulnerabilities view={view} image={image} />
                            ) : (
                                <DeploymentTable
                                    view={view}
                                    base={image.digest === '' ? exactly('Image', image.name) : exactly('Image Sha', image.digest)}
                                />
                            )}
                        </PageSection>
                    </>
                )}
            </WithData>
        </Frame>
    );
}

function Head({ image }: { image: ImageDetail }) {
    return (
        <>
            <PageHead
                title={imageShortName(image.name) || image.id}
                description={image.name}
                labels={
                    <>
                        <Label isCompact>OS: {image.operatingSystem || 'unknown'}</Label>
                        <Label isCompact>Age: <Age time={image.created} /></Label>
                        <Label isCompact>Scan time: {dateTime(image.scanTime)}</Label>
                        <Label isCompact>{plural(image.componentCount, 'component')}</Label>
                        {image.dataSource !== '' && <Label isCompact>Scanned by: {image.dataSource}</Label>}
                        {image.digest !== '' && (
                            <ClipboardCopy isReadOnly variant="inline-compact" hoverTip="Copy the digest" clickTip="Copied" truncation>
                                {image.digest}
                            </ClipboardCopy>
                        )}
                    </>
                }
            />
            {(!image.scanned || image.notes.length > 0) && (
                <PageSection>
                    <Alert
                        isInline
                        variant="warning"
                        component="h2"
                        title={image.scanned ? 'CVE data may be inaccurate' : 'This image has not been scanned'}
                    >
                        {image.notes.map((note) => (
                            <p key={note}>{note}</p>
                        ))}
                    </Alert>
                </PageSection>
            )}
        </>
    );
}

function Vulnerabilities({ view, image }: { view: View; image: ImageDetail }) {
    const list = useListState(IMAGE_CVE_SORTS, BY_SEVERITY);
    const result = useQuery(queries.imageCves(image.id, listParams(list, {})));
    const columns: readonly Column<ImageCve>[] = [
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
        { title: 'CVE severity', sortField: 'severity', firstDirection: 'desc', cell: ({ severity }) => <SeverityLabel severity={severity} scale="vulnerability" /> },
        { title: 'CVE status', cell: ({ fixable }) => (fixable ? 'Fixable' : 'Not fixable') },
        { title: 'CVSS', sortField: 'cvss', firstDirection: 'desc', cell: ({ cvss }) => score(cvss) },
        { title: 'NVD CVSS', cell: ({ nvdCvss }) => score(nvdCvss) },
        { title: 'EPSS probability', sortField: 'epssProbability', firstDirection: 'desc', cell: ({ epssProbability }) => probability(epssProbability) },
        {
            title: 'Affected components',
            cell: ({ components, componentCount }) => (componentCount === 1 ? components[0]?.name : plural(componentCount, 'component')),
        },
        { title: 'First discovered', sortField: 'firstDiscovered', firstDirection: 'desc', nowrap: true, cell: ({ firstDiscovered }) => <Since time={firstDiscovered} /> },
        { title: 'Published', nowrap: true, cell: ({ published }) => dateOnly(published) },
    ];
    return (
        <div className="rox-stack">
            <FilterBar entities={IMAGE_PAGE_ENTITIES} filter={list.filter} onChange={list.setFilter} />
            <SummaryCards>
                <SeverityCard title="CVEs by severity" counts={image.severityCounts} shown={shownRanks(list.filter)} />
                <StatusCard counts={image.fixableCounts} />
            </SummaryCards>
            <PagedTable
                label="CVEs of the image"
                noun={['CVE', 'CVEs']}
                result={result}
                list={list}
                columns={columns}
                rowId={({ cve }) => cve}
                rowName={({ cve }) => cve}
                expanded={({ summary, components, componentCount }) => (
                    <div className="rox-stack">
                        <p>{summary || 'No summary is known.'}</p>
                        <ComponentTable components={components} count={componentCount} />
                    </div>
                )}
            />
        </div>
    );
}
