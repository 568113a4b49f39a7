// The process baselines of a deployment, one a container: what they hold, and locking them.
import { Button, Card, CardBody, CardHeader, CardTitle, Label, TextInput } from '@patternfly/react-core';
import LockIcon from '@patternfly/react-icons/dist/esm/icons/lock-icon';
import LockOpenIcon from '@patternfly/react-icons/dist/esm/icons/lock-open-icon';
import MinusCircleIcon from '@patternfly/react-icons/dist/esm/icons/minus-circle-icon';
import { useQuery } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { useState } from 'react';

import { baselineChanges, riskQueries } from '@/api/risk';
import type { Deployment, ProcessBaseline } from '@/api/rest';
import { WithData } from '@/components/States';
import { useNow } from '@/lib/useNow';
import { usePermissions } from '@/shell/permissions';

import { keyOf, useBaselineChange } from './ProcessDiscovery';
import { BASELINE_WORDS, baselineLook } from './views';

export function Baselines({ deployment }: { deployment: Deployment }) {
    return (
        <Card isCompact>
            <CardTitle component="h2">Process baselines</CardTitle>
            <CardBody className="rox-stack">
                <p className="rox-subtle">A baseline holds the processes that a container is expected to run. Once locked, everything else is a violation of policies on unexpected processes.</p>
                {deployment.containers.map(({ name }) => (
                    <ContainerBaseline key={name} deployment={deployment} container={name} />
                ))}
            </CardBody>
        </Card>
    );
}

function ContainerBaseline({ deployment, container }: { deployment: Deployment; container: string }) {
    const baseline = useQuery(riskQueries.baseline(keyOf(deployment, container)));
    return (
        <WithData result={baseline}>
            {(found) => <BaselineCard baseline={found} deployment={deployment} container={container} />}
        </WithData>
    );
}

function BaselineCard({ baseline, deployment, container }: { baseline: ProcessBaseline; deployment: Deployment; container: string }) {
    const mayWrite = usePermissions().write('DeploymentExtension');
    const look = baselineLook(baseline, useNow());
    const change = useBaselineChange();
    const key = keyOf(deployment, container);
    const locked = look === 'locked';
    const names = baseline.elements.flatMap(({ element, auto }) => (element?.processName ? [{ name: element.processName, auto }] : []));
    const remove = (name: string) => change.mutate({ change: () => baselineChanges.change(key, [], [name]), done: `${name} removed from the baseline of ${container}` });
    return (
        <section aria-label={`Baseline of ${container}`}>
            <Card isCompact>
                <CardHeader
                    actions={
                        mayWrite
                            ? {
                                  hasNoOffset: true,
                                  actions: (
                                      <Button
                                          variant="secondary"
                                          icon={locked ? <LockOpenIcon /> : <LockIcon />}
                                          isDisabled={change.isPending}
                                          onClick={() => change.mutate({ change: () => baselineChanges.lock(key, !locked), done: `Baseline of ${container} ${locked ? 'unlocked' : 'locked'}` })}
                                      >
                                          {locked ? 'Unlock' : 'Lock'}
                                      </Button>
                                  ),
                              }
                            : undefined
                    }
                >
                    <CardTitle component="h3">
                        {container}{' '}
                        <Label isCompact color={locked ? 'blue' : 'grey'}>
                            {BASELINE_WORDS[look]}
                        </Label>
                    </CardTitle>
                </CardHeader>
                <CardBody className="rox-stack">
                    {names.length === 0 ? (
                        <p className="rox-subtle">The baseline is empty.</p>
                    ) : (
                        <ul className="rox-list-plain" aria-label={`Processes of the baseline of ${container}`}>
                            {names.map(({ name, auto }) => (
                                <li key={name} className="rox-row">
                                    <span>
                                        <code>{name}</code> <span className="rox-subtle">{auto ? 'learned' : 'added by hand'}</span>
                                    </span>
                                    {mayWrite && (
                                        <Button variant="plain" size="sm" aria-label={`Remove ${name} from the baseline of ${container}`} icon={<MinusCircleIcon />} isDisabled={change.isPending} onClick={() => remove(name)} />
                                    )}
                                </li>
                            ))}
                        </ul>
                    )}
                    {mayWrite && (
                        <AddProcess
                            container={container}
                            onAdd={(name) => change.mutate({ change: () => baselineChanges.change(key, [name], []), done: `${name} added to the baseline of ${container}` })}
                        />
                    )}
                </CardBody>
            </Card>
        </section>
    );
}

function AddProcess({ container, onAdd }: { container: string; onAdd: (name: string) => void }) {
    const [name, setName] = useState('');
    const submit = (event: FormEvent) => {
        event.preventDefault();
        onAdd(name.trim());
        setName('');
    };
    return (
        <form className="rox-inline" onSubmit={submit}>
            <TextInput aria-label={`Path of a process for the baseline of ${container}`} placeholder="/usr/bin/program" value={name} onChange={(_event, value) => setName(value)} />
            <Button variant="secondary" type="submit" isDisabled={!name.trim().startsWith('/')}>
                Add process
            </Button>
        </form>
    );
}
