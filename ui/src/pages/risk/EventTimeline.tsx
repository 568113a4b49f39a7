// The event timeline: what happened in the pods of a deployment, and when.
import { Alert, Button, Card, CardBody, CardHeader, CardTitle, Checkbox, Popover } from '@patternfly/react-core';
import AngleDownIcon from '@patternfly/react-icons/dist/esm/icons/angle-down-icon';
import AngleRightIcon from '@patternfly/react-icons/dist/esm/icons/angle-right-icon';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { errorText } from '@/api/client';
import { riskQueries, timelineCsv } from '@/api/risk';
import type { Timeline } from '@/api/ui';
import { ErrorState, Loading } from '@/components/States';
import { notify } from '@/components/Toasts';
import { fileName, saveFile } from '@/lib/download';
import { dateTime, plural } from '@/lib/format';

import type { Cluster, Lane, Mark, Span } from './timeline';
import { EVENT_KINDS, clustersOf, eventText, lanesOf, spanOf } from './timeline';

const MARKS: readonly (readonly [mark: Mark, label: string])[] = [
    ['violation', 'Policy violation'],
    ['unexpected', 'Process that is not in the baseline'],
    ['expected', 'Process'],
    ['restart', 'Restart'],
    ['termination', 'Termination'],
];
// Where a popover would be longer than the page.
const TOLD = 12;
const LANES = 40;

export function EventTimeline({ deploymentId, name }: { deploymentId: string; name: string }) {
    const result = useQuery(riskQueries.timeline(deploymentId));
    const csv = useMutation({
        mutationFn: () => timelineCsv(deploymentId),
        onSuccess: (content) => saveFile(`${fileName(`timeline-${name}`)}.csv`, content, 'text/csv'),
        onError: (error) => notify('danger', `Could not export: ${errorText(error)}`),
    });
    return (
        <Card isCompact>
            <CardHeader
                actions={{
                    hasNoOffset: true,
                    actions: (
                        <Button variant="link" isDisabled={result.data === undefined || csv.isPending} onClick={() => csv.mutate()}>
                            Export CSV
                        </Button>
                    ),
                }}
            >
                <CardTitle component="h2">Event timeline</CardTitle>
            </CardHeader>
            <CardBody>{result.data === undefined ? result.isError ? <ErrorState error={result.error} /> : <Loading /> : <Graph timeline={result.data} />}</CardBody>
        </Card>
    );
}

function Graph({ timeline }: { timeline: Timeline }) {
    const [types, setTypes] = useState<ReadonlySet<string>>(new Set(EVENT_KINDS.map(({ type }) => type)));
    const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
    const [first, setFirst] = useState(0);
    const lanes = lanesOf(timeline, open, types);
    const span = spanOf(lanes);
    const { counts } = timeline;
    const number: Record<string, number> = {
        PolicyViolationEvent: counts.policyViolations, ProcessActivityEvent: counts.processActivities,
        ContainerRestartEvent: counts.restarts, ContainerTerminationEvent: counts.terminations,
    };
    const toggled = (set: ReadonlySet<string>, key: string) => {
        const next = new Set(set);
        if (!next.delete(key)) {
            next.add(key);
        }
        return next;
    };
    return (
        <div className="rox-stack">
            <div className="rox-inline" role="group" aria-label="Shown events">
                {EVENT_KINDS.map(({ type, title }) => (
                    <Checkbox key={type} id={`events-${type}`} label={`${title} (${number[type] ?? 0})`} isChecked={types.has(type)} onChange={() => setTypes(toggled(types, type))} />
                ))}
            </div>
            {timeline.truncated && <Alert isInline variant="info" component="p" title="There are more events; the oldest are shown" />}
            {span === undefined ? (
                <p>No event is known.</p>
            ) : (
                <>
                    <div className="rox-timeline" role="group" aria-label="Events by pod">
                        {lanes.slice(first, first + LANES).map((lane) => (
                            <LaneRow key={`${lane.level}-${lane.id}`} lane={lane} span={span} isOpen={open.has(lane.id)} onToggle={() => setOpen(toggled(open, lane.id))} />
                        ))}
                        <span />
                        <div className="rox-row rox-subtle">
                            <span>{dateTime(new Date(span.start).toISOString())}</span>
                            <span>{dateTime(new Date(span.end).toISOString())}</span>
                        </div>
                    </div>
                    {lanes.length > LANES && (
                        <div className="rox-inline">
                            <Button variant="secondary" isDisabled={first === 0} onClick={() => setFirst(Math.max(0, first - LANES))}>
                                Previous pods
                            </Button>
                            <Button variant="secondary" isDisabled={first + LANES >= lanes.length} onClick={() => setFirst(first + LANES)}>
                                Next pods
                            </Button>
                        </div>
                    )}
                    <ul className="rox-key" aria-label="Key">
                        {MARKS.map(([mark, label]) => (
                            <li key={mark}>
                                <span className={`rox-mark rox-mark-${mark}`} aria-hidden="true" /> {label}
                            </li>
                        ))}
                    </ul>
                </>
            )}
        </div>
    );
}

function LaneRow({ lane, span, isOpen, onToggle }: { lane: Lane; span: Span; isOpen: boolean; onToggle: () => void }) {
    return (
        <>
            <div className={lane.level === 'pod' ? 'rox-lane-name' : 'rox-lane-name rox-lane-inner'}>
                {lane.level === 'pod' ? (
                    <Button variant="plain" size="sm" aria-expanded={isOpen} aria-label={`Containers of ${lane.name}`} icon={isOpen ? <AngleDownIcon /> : <AngleRightIcon />} onClick={onToggle} />
                ) : null}
                <span title={lane.name}>{lane.name}</span>
            </div>
            <div className="rox-lane">
                {clustersOf(lane, span).map((cluster) => (
                    <ClusterMark key={cluster.events[0]?.id ?? cluster.percent} cluster={cluster} lane={lane} />
                ))}
            </div>
        </>
    );
}

function ClusterMark({ cluster: { percent, mark, events }, lane }: { cluster: Cluster; lane: Lane }) {
    const [only] = events;
    const label = events.length === 1 && only !== undefined ? `${eventText(only)}, ${dateTime(only.timestamp)}` : `${plural(events.length, 'event')} of ${lane.name}`;
    return (
        <Popover
            aria-label={label}
            animationDuration={0}
            headerContent={events.length === 1 ? 'Event' : plural(events.length, 'event')}
            headerComponent="h3"
            bodyContent={
                <ul className="rox-list-plain">
                    {events.slice(0, TOLD).map((event) => (
                        <li key={event.id} className="rox-break">
                            {eventText(event)}
                            <div>{dateTime(event.timestamp)}</div>
                        </li>
                    ))}
                    {events.length > TOLD && <li>{`and ${events.length - TOLD} more`}</li>}
                </ul>
            }
        >
            <button type="button" className={`rox-mark rox-mark-${mark}`} style={{ insetInlineStart: `${percent}%` }} aria-label={label}>
                {events.length > 1 ? events.length : null}
            </button>
        </Popover>
    );
}
