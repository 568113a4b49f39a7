// What ran in a deployment: the timeline, the processes by container, and the baselines that say which are expected.
import { Card, CardBody, CardTitle, EmptyState, Label } from '@patternfly/react-core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { errorText } from '@/api/client';
import { baselineChanges, riskQueries } from '@/api/risk';
import type { BaselineKey, Deployment, ProcessGroup } from '@/api/rest';
import type { Column } from '@/components/ListTable';
import { ListTable } from '@/components/ListTable';
import { WithData } from '@/components/States';
import { notify } from '@/components/Toasts';
import { dateTime, plural } from '@/lib/format';
import { usePermissions } from '@/shell/permissions';

import { Baselines } from './Baselines';
import { EventTimeline } from './EventTimeline';

export function keyOf(deployment: Deployment, containerName: string): BaselineKey {
    return { deploymentId: deployment.id, containerName, clusterId: deployment.clusterId, namespace: deployment.namespace };
}

/** Changes baselines, and asks again for what follows from them. */
export function useBaselineChange() {
    const client = useQueryClient();
    return useMutation({
        mutationFn: ({ change }: { change: () => Promise<void>; done: string }) => change(),
        onSuccess: (_answer, { done }) => notify('success', done),
        onError: (error) => notify('danger', `The baseline was not changed: ${errorText(error)}`),
        onSettled: () => client.invalidateQueries({ queryKey: ['risk'] }),
    });
}

export function ProcessDiscovery({ deployment }: { deployment: Deployment }) {
    const processes = useQuery({ ...riskQueries.processes(deployment.id), refetchInterval: 30_000 });
    return (
        <div className="rox-stack">
            <EventTimeline deploymentId={deployment.id} name={deployment.name} />
            <Card isCompact>
                <CardTitle component="h2">History of running processes</CardTitle>
                <CardBody>
                    <WithData result={processes}>{(groups) => <History groups={groups} deployment={deployment} />}</WithData>
                </CardBody>
            </Card>
            <Baselines deployment={deployment} />
        </div>
    );
}

const COLUMNS: readonly Column<ProcessGroup>[] = [
    { title: 'Process', width: 35, cell: ({ name }) => <code className="rox-break">{name}</code> },
    { title: 'Container', cell: ({ containerName }) => containerName },
    {
        title: 'Status',
        cell: ({ suspicious }) => (
            <Label isCompact color={suspicious ? 'red' : 'green'}>
                {suspicious ? 'Not in the baseline' : 'In the baseline'}
            </Label>
        ),
    },
    { title: 'Executed', cell: ({ timesExecuted }) => plural(timesExecuted, 'time') },
];

function History({ groups, deployment }: { groups: readonly ProcessGroup[]; deployment: Deployment }) {
    const mayWrite = usePermissions().write('DeploymentExtension');
    const change = useBaselineChange();
    if (groups.length === 0) {
        return <EmptyState headingLevel="h3" titleText="No process was seen in this deployment" />;
    }
    const sorted = [...groups].sort((a, b) => Number(b.suspicious) - Number(a.suspicious) || a.name.localeCompare(b.name));
    return (
        <ListTable
            label="Processes"
            columns={COLUMNS}
            rows={sorted}
            error={null}
            rowId={({ name, containerName }) => `${containerName}:${name}`}
            rowName={({ name, containerName }) => `${name} in ${containerName}`}
            expanded={(group) => <Executions group={group} />}
            actions={
                mayWrite
                    ? ({ name, containerName, suspicious }) => {
                          const key = keyOf(deployment, containerName);
                          return [
                              suspicious
                                  ? {
                                        title: 'Add to the baseline',
                                        onClick: () => change.mutate({ change: () => baselineChanges.change(key, [name], []), done: `${name} added to the baseline of ${containerName}` }),
                                    }
                                  : {
                                        title: 'Remove from the baseline',
                                        onClick: () => change.mutate({ change: () => baselineChanges.change(key, [], [name]), done: `${name} removed from the baseline of ${containerName}` }),
                                    },
                          ];
                      }
                    : undefined
            }
        />
    );
}

// A busy container runs one program with thousands of arguments.
const SHOWN = 50;

function Executions({ group }: { group: ProcessGroup }) {
    return (
        <ul className="rox-list-plain">
            {group.groups.slice(0, SHOWN).map(({ args, signals }) => {
                const last = signals.reduce((latest, { signal }) => (signal?.time && signal.time > latest ? signal.time : latest), '');
                const users = [...new Set(signals.map(({ signal }) => signal?.uid ?? 0))].join(', ');
                return (
                    <li key={args}>
                        <code className="rox-mono">{`${group.name} ${args}`.trim()}</code>
                        <div className="rox-subtle">{`${plural(signals.length, 'execution')}, last ${dateTime(last)}, UID ${users}`}</div>
                    </li>
                );
            })}
            {group.groups.length > SHOWN && <li>{`and ${plural(group.groups.length - SHOWN, 'more set')} of arguments`}</li>}
        </ul>
    );
}
