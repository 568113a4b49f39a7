// The summary cards above the table of one object.
import { Card, CardBody, CardTitle, Grid, GridItem } from '@patternfly/react-core';
import type { ReactNode } from 'react';

import type { FixableCounts, SeverityCounts } from '@/api/ui';
import { SeverityIcon } from '@/components/Severity';
import type { Rank } from '@/lib/format';
import { RANKS, plural, rankLabel } from '@/lib/format';

export function SummaryCards({ children }: { children: ReactNode }) {
    return <Grid hasGutter>{children}</Grid>;
}

export function SummaryCard({ title, children }: { title: string; children: ReactNode }) {
    return (
        <GridItem md={6}>
            <Card isCompact isFullHeight>
                <CardTitle component="h2">{title}</CardTitle>
                <CardBody>{children}</CardBody>
            </Card>
        </GridItem>
    );
}

interface SeverityProps {
    title: string;
    counts: SeverityCounts;
    shown: readonly Rank[];
}

export function SeverityCard({ title, counts, shown }: SeverityProps) {
    return (
        <SummaryCard title={title}>
            <Grid hasGutter>
                {RANKS.map((rank) => {
                    const visible = shown.includes(rank);
                    return (
                        <GridItem key={rank} span={6}>
                            <SeverityIcon rank={rank} muted={!visible || counts[rank] === 0} />{' '}
                            {visible ? `${counts[rank]} ${rankLabel(rank, 'vulnerability')}` : `${rankLabel(rank, 'vulnerability')}: results hidden`}
                        </GridItem>
                    );
                })}
            </Grid>
        </SummaryCard>
    );
}

export function StatusCard({ counts }: { counts: FixableCounts }) {
    return (
        <SummaryCard title="CVEs by status">
            <p>{plural(counts.fixable, 'vulnerability with a fix', 'vulnerabilities with a fix')}</p>
            <p>{plural(counts.notFixable, 'vulnerability without a fix', 'vulnerabilities without a fix')}</p>
        </SummaryCard>
    );
}
