// What can be done with violations: resolve them, take their processes as expected, leave their workloads alone.
import type { IAction } from '@patternfly/react-table';
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { errorText } from '@/api/client';
import { policyChanges } from '@/api/policies';
import { changes } from '@/api/queries';
import type { ListAlert, ViolationState } from '@/api/rest';
import type { BulkAction } from '@/components/BulkMenu';
import { Confirm } from '@/components/Confirm';
import { notify } from '@/components/Toasts';
import { plural } from '@/lib/format';
import { usePermissions } from '@/shell/permissions';

import { exclusionsOf, isExcludable, isResolvable } from './views';

interface Resolution {
    alerts: readonly ListAlert[];
    addToBaseline: boolean;
}

// So many requests are under way at once that Central and the browser stay quick.
const AT_ONCE = 8;

async function resolveAll({ alerts, addToBaseline }: Resolution): Promise<void> {
    for (let from = 0; from < alerts.length; from += AT_ONCE) {
        await Promise.all(alerts.slice(from, from + AT_ONCE).map(({ id }) => changes.resolveAlert(id, addToBaseline)));
    }
}

function useResolve() {
    const client = useQueryClient();
    return useMutation({
        mutationFn: resolveAll,
        onSuccess: (_answers, { alerts }) => notify('success', `${plural(alerts.length, 'violation')} resolved`),
        onError: (error) => notify('danger', `Not all violations could be resolved: ${errorText(error)}`),
        onSettled: () => client.invalidateQueries({ queryKey: ['alerts'] }),
    });
}

function useExclude(onDone: () => void) {
    const client = useQueryClient();
    return useMutation({
        mutationFn: async (alerts: readonly ListAlert[]) => {
            for (const [id, exclusions] of exclusionsOf(alerts)) {
                const policy = await policyChanges.get(id);
                await policyChanges.replace({ ...policy, exclusions: [...policy.exclusions, ...exclusions] });
            }
        },
        onSuccess: (_answer, alerts) => {
            const made = [...exclusionsOf(alerts).values()].flat().length;
            notify('success', `${plural(made, 'exclusion')} added`);
            onDone();
        },
        onError: (error) => notify('danger', `Not everything could be excluded: ${errorText(error)}`),
        onSettled: async () => {
            await client.invalidateQueries({ queryKey: ['alerts'] });
            await client.invalidateQueries({ queryKey: ['policies'] });
        },
    });
}

export interface ViolationActions {
    /** Whether the user may do anything at all. */
    offered: boolean;
    ofOne: (alert: ListAlert) => IAction[];
    ofMany: (alerts: readonly ListAlert[], onDone: () => void) => BulkAction[];
}

const EXCLUDE = 'Exclude deployment from policy';

export function useViolationActions(state: ViolationState, onExclude: (alerts: readonly ListAlert[]) => void): ViolationActions {
    const { write } = usePermissions();
    const resolve = useResolve();
    const mayResolve = state !== 'RESOLVED' && write('Alert');
    const mayExclude = state !== 'RESOLVED' && write('WorkflowAdministration');
    const canResolve = (alert: ListAlert) => mayResolve && isResolvable(alert);
    const canLearn = (alert: ListAlert) => canResolve(alert) && alert.lifecycleStage === 'RUNTIME' && Boolean(alert.deployment);
    const canExclude = (alert: ListAlert) => mayExclude && isExcludable(alert);
    const ofOne = (alert: ListAlert): IAction[] => [
        ...(canResolve(alert) ? [{ title: 'Mark as resolved', onClick: () => resolve.mutate({ alerts: [alert], addToBaseline: false }) }] : []),
        ...(canLearn(alert) ? [{ title: 'Resolve and add to process baseline', onClick: () => resolve.mutate({ alerts: [alert], addToBaseline: true }) }] : []),
        ...(canExclude(alert) ? [{ title: EXCLUDE, onClick: () => onExclude([alert]) }] : []),
    ];
    const ofMany = (alerts: readonly ListAlert[], onDone: () => void): BulkAction[] => {
        const [resolvable, learnable, excludable] = [canResolve, canLearn, canExclude].map((can) => alerts.filter(can));
        const resolving = (title: string, chosen: readonly ListAlert[], addToBaseline: boolean): BulkAction => ({
            title,
            count: chosen.length,
            onClick: () => {
                resolve.mutate({ alerts: chosen, addToBaseline });
                onDone();
            },
        });
        return [
            ...(mayResolve ? [resolving('Mark as resolved', resolvable ?? [], false), resolving('Resolve and add to process baseline', learnable ?? [], true)] : []),
            ...(mayExclude ? [{ title: 'Exclude deployments from policy', count: excludable?.length ?? 0, onClick: () => onExclude(excludable ?? []) }] : []),
        ];
    };
    return { offered: mayResolve || mayExclude, ofOne, ofMany };
}

interface QuestionProps {
    alerts: readonly ListAlert[];
    onDone: () => void;
    onClose: () => void;
}

export function ExcludeQuestion({ alerts, onDone, onClose }: QuestionProps) {
    const exclude = useExclude(onDone);
    const lines = [...new Set(alerts.map(({ policy, deployment, commonEntityInfo }) => `${deployment?.name} in "${commonEntityInfo?.clusterName} / ${commonEntityInfo?.namespace}" from "${policy?.name}"`))];
    return (
        <Confirm title="Exclude deployments from policy?" confirm="Exclude" isLoading={exclude.isPending} onConfirm={() => exclude.mutate(alerts)} onClose={onClose}>
            <p>The policy leaves these deployments alone until the exclusion is taken out of it. Their violations are resolved.</p>
            <ul className="rox-list-plain">
                {lines.map((line) => (
                    <li key={line} className="rox-break">
                        {line}
                    </li>
                ))}
            </ul>
        </Confirm>
    );
}
