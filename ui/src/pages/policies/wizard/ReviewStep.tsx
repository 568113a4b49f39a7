// The whole policy once more, and what it would find today.
import { Alert } from '@patternfly/react-core';

import { PolicyFacts } from '@/components/PolicyFacts';

import type { Draft } from '../draft';

import { DryRunPanel } from './DryRunPanel';
import { StepHead } from './StepHead';

interface Props {
    draft: Draft;
    problems: readonly string[];
    /** Central's words when it refused to store the policy. */
    refusal: string | undefined;
}

export function ReviewStep({ draft, problems, refusal }: Props) {
    return (
        <div className="rox-stack">
            <StepHead title="Review">Check the policy and preview what it would find, then save it.</StepHead>
            {refusal !== undefined && (
                <Alert isInline isLiveRegion variant="danger" component="p" title="The policy was not saved">
                    {refusal}
                </Alert>
            )}
            {problems.length > 0 && (
                <Alert isInline variant="warning" component="p" title="The policy is not complete">
                    <ul>
                        {problems.map((problem) => (
                            <li key={problem}>{problem}</li>
                        ))}
                    </ul>
                </Alert>
            )}
            <div className="rox-review">
                <PolicyFacts policy={draft} />
                <DryRunPanel draft={draft} isDisabled={problems.length > 0} />
            </div>
        </div>
    );
}
