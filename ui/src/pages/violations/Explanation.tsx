// Why the policy is violated: below each message its causes, and the whole policy as a tree of what matched and what did not.
import { Alert, ExpandableSection, Icon, Label, Switch } from '@patternfly/react-core';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { queries } from '@/api/queries';
import type { CriterionFindings, Evaluation, ExplainedSection, ExplainedViolation, Finding } from '@/api/rest';
import { WithData } from '@/components/States';
import { dateTime, plural } from '@/lib/format';

import { askedText, objectText, subjectText } from './explanation';

/** The causes of one message, closed at first. */
export function Causes({ explained }: { explained: ExplainedViolation | undefined }) {
    if (explained === undefined) {
        return null;
    }
    if (!explained.reproduced) {
        return <p className="rox-subtle">What caused this message has changed since, so it cannot be explained any more.</p>;
    }
    return (
        <ExpandableSection toggleText="Why?" className="rox-why">
            <ul className="rox-tree">
                {explained.causes.map(({ subject, sectionIndex, section, objects, omittedObjects, criteria }, index) => (
                    <li key={index}>
                        <div>
                            {subjectText({ subject })} meets all criteria of <strong>{section || `section ${sectionIndex + 1}`}</strong> with {objects.map(objectText).join(', ')}
                            {omittedObjects > 0 && ` and ${omittedObjects} more`}:
                        </div>
                        <ul>
                            {criteria.map((criterion) => (
                                <CriterionItem key={criterion.criterion} criterion={criterion} matched onlyCounted />
                            ))}
                        </ul>
                    </li>
                ))}
            </ul>
        </ExpandableSection>
    );
}

export function ExplanationPart({ alertId }: { alertId: string }) {
    const result = useQuery(queries.explanation(alertId));
    const [all, setAll] = useState(false);
    return (
        <WithData result={result} missing="This violation cannot be explained">
            {({ matched, basis, notes, explainedAt, evaluations, omittedEvaluations }) => (
                <div className="rox-stack">
                    <div className="rox-row rox-wrap">
                        <span>
                            <Label color={matched ? 'red' : 'green'}>{matched ? 'The policy is still violated' : 'The policy is no longer violated'}</Label>{' '}
                            <span className="rox-subtle">
                                {basis === 'STORED' ? 'Judged by what Central knows now' : 'Judged by what the violation itself keeps'}, {dateTime(explainedAt)}
                            </span>
                        </span>
                        <Switch id="all-findings" label="Show all values" isChecked={all} onChange={(_event, on) => setAll(on)} />
                    </div>
                    {notes.map((note) => (
                        <Alert key={note} isInline variant="info" component="p" title={note} />
                    ))}
                    {evaluations.map((evaluation, index) => (
                        <Tree key={index} evaluation={evaluation} all={all} />
                    ))}
                    {omittedEvaluations > 0 && <p>{`${plural(omittedEvaluations, 'more event')} of this violation are left out.`}</p>}
                </div>
            )}
        </WithData>
    );
}

function Tree({ evaluation, all }: { evaluation: Evaluation; all: boolean }) {
    return (
        <section aria-label={`Explanation for ${subjectText(evaluation)}`}>
            <h2 className="rox-tree-head">
                <Verdict matched={evaluation.matched} /> {subjectText(evaluation)}
            </h2>
            <ul className="rox-tree">
                {evaluation.sections.map((section, index) => (
                    <SectionItem key={index} section={section} number={index + 1} all={all} />
                ))}
            </ul>
        </section>
    );
}

function SectionItem({ section, number, all }: { section: ExplainedSection; number: number; all: boolean }) {
    const { section: name, matched, error, criteria } = section;
    const unlinked = !matched && error === '' && criteria.length > 1 && criteria.every((criterion) => criterion.matched);
    return (
        <li>
            <Verdict matched={matched} /> <strong>{name || `Section ${number}`}</strong>
            {error !== '' && <div className="rox-break">{error}</div>}
            {unlinked && <div className="rox-subtle">Each criterion holds somewhere, but no single object meets them all.</div>}
            <ul>
                {criteria.map((criterion) => (
                    <CriterionItem key={criterion.criterion} criterion={criterion} matched={criterion.matched} onlyCounted={!all && matched} />
                ))}
            </ul>
        </li>
    );
}

// A criterion on a big image has hundreds of values.
const SHOWN = 25;

interface CriterionProps {
    criterion: CriterionFindings;
    matched: boolean;
    /** Leaves out values that played no part in the verdict. */
    onlyCounted: boolean;
}

function CriterionItem({ criterion, matched, onlyCounted }: CriterionProps) {
    const { findings, omitted } = criterion;
    const counted = findings.filter(({ linked, matched: met }) => linked && met);
    const chosen = onlyCounted && counted.length > 0 ? counted : findings;
    const rest = chosen.length - SHOWN + (onlyCounted ? 0 : omitted);
    return (
        <li>
            <Verdict matched={matched} /> <span className="rox-break">{askedText(criterion)}</span>
            {chosen.length > 0 && (
                <ul>
                    {chosen.slice(0, SHOWN).map((finding, index) => (
                        <FindingItem key={index} finding={finding} />
                    ))}
                    {rest > 0 && <li className="rox-subtle">{`and ${plural(rest, 'more value')}`}</li>}
                </ul>
            )}
        </li>
    );
}

function FindingItem({ finding: { path, value, matched, linked } }: { finding: Finding }) {
    return (
        <li>
            <Verdict matched={matched} /> <code className="rox-break">{path || 'the object itself'}</code> is <code className="rox-break">{value === '' ? '(empty)' : value}</code>
            {matched && !linked && <span className="rox-subtle"> (on an object that does not meet the other criteria)</span>}
        </li>
    );
}

function Verdict({ matched }: { matched: boolean }) {
    return (
        <span role="img" aria-label={matched ? 'Matched' : 'Not matched'}>
            <Icon status={matched ? 'danger' : 'success'} isInline>
                {matched ? <ExclamationCircleIcon /> : <CheckCircleIcon />}
            </Icon>
        </span>
    );
}
