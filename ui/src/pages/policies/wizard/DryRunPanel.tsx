// A dry run: what the policy would find now. It runs in Central as a job that this panel starts, watches and cancels.
import { Alert, Button, Card, CardBody, CardTitle, Spinner } from '@patternfly/react-core';
import { useEffect, useRef, useState } from 'react';

import { errorText } from '@/api/client';
import { dryRuns } from '@/api/policies';
import type { DryRun } from '@/api/rest';
import { plural } from '@/lib/format';

import type { Draft } from '../draft';
import { toSend } from '../draft';

type Found = NonNullable<DryRun['result']>['alerts'];
type State = { at: 'rest' } | { at: 'running' | 'done' | 'cancelled'; found: Found } | { at: 'failed'; text: string };

const POLL_MS = 1_000;
const SHOWN = 100;

function wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        signal.addEventListener('abort', () => {
            clearTimeout(timer);
            resolve();
        });
    });
}

/** Runs one job to its end; an abort cancels it in Central too. */
async function run(draft: Draft, signal: AbortSignal, show: (found: Found) => void): Promise<void> {
    const job = await dryRuns.start(toSend({ ...draft, disabled: false }));
    let done = false;
    try {
        while (!done && !signal.aborted) {
            const { pending, result } = await dryRuns.status(job, signal);
            show(result?.alerts ?? []);
            done = !pending;
            if (!done) {
                await wait(signal);
            }
        }
    } finally {
        if (!done) {
            // The job may have ended by itself meanwhile; then there is nothing left to cancel.
            await dryRuns.cancel(job).catch(() => undefined);
        }
    }
}

export function DryRunPanel({ draft, isDisabled }: { draft: Draft; isDisabled: boolean }) {
    const [state, setState] = useState<State>({ at: 'rest' });
    const current = useRef<AbortController>(undefined);
    useEffect(() => () => current.current?.abort(), []);
    const start = async () => {
        const controller = new AbortController();
        current.current = controller;
        let found: Found = [];
        setState({ at: 'running', found });
        try {
            await run(draft, controller.signal, (next) => {
                found = next;
                if (!controller.signal.aborted) {
                    setState({ at: 'running', found });
                }
            });
            setState({ at: controller.signal.aborted ? 'cancelled' : 'done', found });
        } catch (error) {
            setState(controller.signal.aborted ? { at: 'cancelled', found } : { at: 'failed', text: errorText(error) });
        }
    };
    const runtime = draft.lifecycleStages.includes('RUNTIME');
    return (
        <Card isCompact>
            <CardTitle component="h3">Preview violations</CardTitle>
            <CardBody className="rox-stack">
                <p className="rox-subtle">
                    {runtime
                        ? 'Events are not stored, so a runtime policy has nothing to preview.'
                        : 'Judges the workloads that run now. Nothing is stored, nobody is told, nothing is enforced.'}
                </p>
                <div className="rox-inline">
                    <Button variant="secondary" isDisabled={isDisabled || runtime || state.at === 'running'} onClick={() => void start()}>
                        {state.at === 'rest' ? 'Start preview' : 'Preview again'}
                    </Button>
                    {state.at === 'running' && (
                        <Button variant="link" onClick={() => current.current?.abort()}>
                            Cancel preview
                        </Button>
                    )}
                </div>
                <Outcome state={state} />
            </CardBody>
        </Card>
    );
}

function Outcome({ state }: { state: State }) {
    if (state.at === 'rest') {
        return null;
    }
    if (state.at === 'failed') {
        return (
            <Alert isInline isLiveRegion variant="danger" component="p" title="The preview has failed">
                {state.text}
            </Alert>
        );
    }
    const count = plural(state.found.length, 'deployment');
    const TEXT = {
        running: `Judging deployments: ${count} violate the policy so far`,
        done: state.found.length === 0 ? 'No deployment violates the policy' : `${count} ${state.found.length === 1 ? 'violates' : 'violate'} the policy`,
        cancelled: `Cancelled: ${count} were found until then`,
    };
    return (
        <>
            <p role="status" className="rox-inline">
                {state.at === 'running' && <Spinner size="md" aria-label="The preview is running" />}
                <strong>{TEXT[state.at]}</strong>
            </p>
            {state.found.length > 0 && (
                <ul className="rox-list-plain" aria-label="Deployments that violate the policy">
                    {state.found.slice(0, SHOWN).map(({ deployment, violations }, index) => (
                        <li key={`${index}-${deployment}`}>
                            <strong>{deployment}</strong>
                            {violations.map((violation) => (
                                <div key={violation} className="rox-break rox-subtle">
                                    {violation}
                                </div>
                            ))}
                        </li>
                    ))}
                    {state.found.length > SHOWN && <li>{`and ${plural(state.found.length - SHOWN, 'more deployment')}`}</li>}
                </ul>
            )}
        </>
    );
}
