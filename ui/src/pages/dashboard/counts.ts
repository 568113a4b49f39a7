// Alert counts as the widgets show them.
import type { AlertGroup } from '@/api/rest';
import type { Rank } from '@/lib/format';
import { policyRank } from '@/lib/format';

export const POLICY_RANKS: readonly Rank[] = ['low', 'moderate', 'important', 'critical'];

export type RankCounts = Record<Rank, number>;

export function rankCounts(group: AlertGroup | undefined): RankCounts {
    const counts: RankCounts = { critical: 0, important: 0, moderate: 0, low: 0, unknown: 0 };
    for (const { severity, count } of group?.counts ?? []) {
        // Counts are 64 bits wide on the wire, and so arrive as text.
        counts[policyRank(severity)] += Number(count);
    }
    return counts;
}

export interface CategoryCounts {
    category: string;
    counts: RankCounts;
    total: number;
}

const SHOWN = 5;

/** The categories with the most violations of the severities that are shown. */
export function topCategories(groups: readonly AlertGroup[], hidden: ReadonlySet<Rank>): CategoryCounts[] {
    return groups
        .map((group) => {
            const counts = rankCounts(group);
            hidden.forEach((rank) => (counts[rank] = 0));
            return { category: group.group, counts, total: POLICY_RANKS.reduce((sum, rank) => sum + counts[rank], 0) };
        })
        .filter(({ total }) => total > 0)
        .sort((a, b) => b.total - a.total || a.category.localeCompare(b.category))
        .slice(0, SHOWN);
}
