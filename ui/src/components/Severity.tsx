// Severities: the icon carries the colour, the text never does.
import { Flex, FlexItem, Tooltip } from '@patternfly/react-core';
import AngleDoubleDownIcon from '@patternfly/react-icons/dist/esm/icons/angle-double-down-icon';
import AngleDoubleUpIcon from '@patternfly/react-icons/dist/esm/icons/angle-double-up-icon';
import CriticalRiskIcon from '@patternfly/react-icons/dist/esm/icons/critical-risk-icon';
import EqualsIcon from '@patternfly/react-icons/dist/esm/icons/equals-icon';
import UnknownIcon from '@patternfly/react-icons/dist/esm/icons/unknown-icon';
import type { ComponentType } from 'react';

import type { SeverityCounts } from '@/api/ui';
import type { Rank } from '@/lib/format';
import { RANKS, policyRank, rankLabel, vulnerabilityRank } from '@/lib/format';

const ICONS: Record<Rank, ComponentType> = {
    critical: CriticalRiskIcon,
    important: AngleDoubleUpIcon,
    moderate: EqualsIcon,
    low: AngleDoubleDownIcon,
    unknown: UnknownIcon,
};

export function SeverityIcon({ rank, muted = false }: { rank: Rank; muted?: boolean }) {
    const Glyph = ICONS[rank];
    return (
        <span className={`rox-glyph rox-severity-${muted ? 'none' : rank}`} aria-hidden="true">
            <Glyph />
        </span>
    );
}

interface LabelProps {
    severity: string;
    scale: 'vulnerability' | 'policy';
}

export function SeverityLabel({ severity, scale }: LabelProps) {
    const rank = scale === 'policy' ? policyRank(severity) : vulnerabilityRank(severity);
    return (
        <span className="rox-nowrap">
            <SeverityIcon rank={rank} /> {rankLabel(rank, scale)}
        </span>
    );
}

interface CountsProps {
    counts: SeverityCounts;
    /** What is counted: "CVE" or "image". */
    noun: string;
    /** The severities that the filter lets through; the others are shown as hidden. */
    shown?: readonly Rank[];
}

export function SeverityCountIcons({ counts, noun, shown = RANKS }: CountsProps) {
    return (
        <Flex columnGap={{ default: 'columnGapXs' }} flexWrap={{ default: 'nowrap' }}>
            {RANKS.map((rank) => {
                const visible = shown.includes(rank);
                const count = counts[rank];
                const label = visible
                    ? `${count} ${noun}${count === 1 ? '' : 's'} with ${rankLabel(rank, 'vulnerability').toLowerCase()} severity`
                    : `${rankLabel(rank, 'vulnerability')} severity is hidden by the filter`;
                return (
                    <FlexItem key={rank}>
                        <Tooltip content={label}>
                            <span className="rox-count" role="img" aria-label={label}>
                                <SeverityIcon rank={rank} muted={!visible || count === 0} /> {visible ? count : '–'}
                            </span>
                        </Tooltip>
                    </FlexItem>
                );
            })}
        </Flex>
    );
}
