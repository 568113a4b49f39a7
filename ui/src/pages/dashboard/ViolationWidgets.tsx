// Violations by severity, with the latest critical ones, and by category.
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import { queries } from '@/api/queries';
import { SeverityIcon } from '@/components/Severity';
import { NoResults, WithData } from '@/components/States';
import type { Rank } from '@/lib/format';
import { dateTime, rankLabel } from '@/lib/format';
import type { SearchFilter } from '@/lib/query';
import { toQuery } from '@/lib/query';

import { WidgetCard } from './WidgetCard';
import { POLICY_RANKS, rankCounts, topCategories } from './counts';

const SEVERITY_VALUE: Partial<Record<Rank, string>> = {
    low: 'LOW_SEVERITY',
    moderate: 'MEDIUM_SEVERITY',
    important: 'HIGH_SEVERITY',
    critical: 'CRITICAL_SEVERITY',
};
const ACTIVE: SearchFilter = { 'Violation State': ['ACTIVE'] };
const RECENT = 3;

export function ViolationsBySeverity({ scope }: { scope: SearchFilter }) {
    const counts = useQuery(queries.alertCounts(toQuery(scope, ACTIVE), 'UNSET'));
    const recent = useQuery(
        queries.alerts({
            query: toQuery(scope, ACTIVE, { Severity: ['CRITICAL_SEVERITY'] }),
            limit: RECENT,
            offset: 0,
            sortField: 'Violation Time',
            reversed: true,
        })
    );
    const link = (filter: SearchFilter) => ({ filteredWorkflowView: 'Full view', s: { ...scope, ...filter } }) as never;
    return (
        <WidgetCard
            title="Policy violations by severity"
            link={
                <Link to="/main/violations" search={link({})} aria-label="View all: Policy violations by severity">
                    View all
                </Link>
            }
        >
            <div className="rox-stack">
                <WithData result={counts}>
                    {({ groups }) => {
                        const byRank = rankCounts(groups[0]);
                        return (
                            <div className="rox-tiles">
                                {POLICY_RANKS.map((rank) => (
                                    <Link key={rank} to="/main/violations" search={link({ Severity: [SEVERITY_VALUE[rank] ?? ''] })} className="rox-tile">
                                        <strong>{byRank[rank].toLocaleString('en-US')}</strong>
                                        <SeverityIcon rank={rank} muted={byRank[rank] === 0} /> {rankLabel(rank, 'policy')}
                                    </Link>
                                ))}
                            </div>
                        );
                    }}
                </WithData>
                <h3>
                    <strong>Most recent violations with critical severity</strong>
                </h3>
                <WithData result={recent}>
                    {(alerts) =>
                        alerts.length === 0 ? (
                            <p className="rox-subtle">No violations of critical severity</p>
                        ) : (
                            <ul className="rox-list-plain">
                                {alerts.map((alert) => (
                                    <li key={alert.id} className="rox-row">
                                        <span>
                                            <SeverityIcon rank="critical" />{' '}
                                            <Link to="/main/violations/$alertId" params={{ alertId: alert.id }}>
                                                {alert.policy?.name ?? alert.id}
                                            </Link>{' '}
                                            <span className="rox-subtle">{alert.deployment?.name ?? alert.resource?.name ?? alert.node?.name}</span>
                                        </span>
                                        <span className="rox-nowrap">{dateTime(alert.time)}</span>
                                    </li>
                                ))}
                            </ul>
                        )
                    }
                </WithData>
            </div>
        </WidgetCard>
    );
}

export function ViolationsByCategory({ scope }: { scope: SearchFilter }) {
    const [hidden, setHidden] = useState<ReadonlySet<Rank>>(new Set());
    const result = useQuery(queries.alertCounts(toQuery(scope, ACTIVE), 'CATEGORY'));
    const toggle = (rank: Rank) => {
        const next = new Set(hidden);
        if (!next.delete(rank)) {
            next.add(rank);
        }
        setHidden(next);
    };
    return (
        <WidgetCard
            title="Policy violations by category"
            link={
                <Link to="/main/violations" search={{ filteredWorkflowView: 'Full view', s: scope }} aria-label="View all: Policy violations by category">
                    View all
                </Link>
            }
        >
            <WithData result={result}>
                {({ groups }) => {
                    const rows = topCategories(groups, hidden);
                    const most = Math.max(1, ...rows.map(({ total }) => total));
                    return (
                        <>
                            {rows.length === 0 && <NoResults filtered={false} text="No violations" />}
                            <div className="rox-bars" role="list" aria-label="Violations by category">
                                {rows.map(({ category, counts, total }) => (
                                    <div key={category} role="listitem" style={{ display: 'contents' }}>
                                        <Link to="/main/violations" search={{ filteredWorkflowView: 'Full view', s: { ...scope, Category: [`"${category}"`] } }}>
                                            {category}
                                        </Link>
                                        <span className="rox-bar" aria-hidden="true">
                                            {POLICY_RANKS.map(
                                                (rank) =>
                                                    counts[rank] > 0 && (
                                                        <span key={rank} className={`rox-severity-${rank}`} style={{ width: `${(counts[rank] / most) * 100}%` }} />
                                                    )
                                            )}
                                        </span>
                                        <span>{total}</span>
                                    </div>
                                ))}
                            </div>
                            <div className="rox-legend" role="group" aria-label="Severities that are shown">
                                {POLICY_RANKS.map((rank) => (
                                    <button key={rank} type="button" aria-pressed={!hidden.has(rank)} onClick={() => toggle(rank)}>
                                        <SeverityIcon rank={rank} muted={hidden.has(rank)} /> {rankLabel(rank, 'policy')}
                                    </button>
                                ))}
                            </div>
                        </>
                    );
                }}
            </WithData>
        </WidgetCard>
    );
}
