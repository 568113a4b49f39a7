// The dialog that imports policies from a file, and asks what to do where one is in the way of another.
import { Alert, Button, FileUpload, Form, FormGroup, FormHelperText, HelperText, HelperTextItem, Modal, ModalBody, ModalFooter, ModalHeader, Radio, TextInput } from '@patternfly/react-core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { errorText } from '@/api/client';
import { policyChanges } from '@/api/policies';
import { plural } from '@/lib/format';

import type { Clash, Decision, Failure, Incoming, Outcome } from './importing';
import { choiceLabel, choicesOf, decisionProblem, freeName, outcomeOf, readDocument, resolutions } from './importing';

const NOTHING: Outcome = { imported: [], clashes: [], failures: [] };
const TITLE = 'import-policies-title';

interface Props {
    /** Names of all policies, none of which may be given again. */
    taken: ReadonlySet<string>;
    onClose: () => void;
}

export function ImportDialog({ taken, onClose }: Props) {
    const client = useQueryClient();
    const [file, setFile] = useState('');
    const [read, setRead] = useState<{ policies: Incoming[] } | { problem: string }>();
    const [outcome, setOutcome] = useState<Outcome>(NOTHING);
    const [decisions, setDecisions] = useState<ReadonlyMap<number, Decision>>(new Map());
    const policies = read !== undefined && 'policies' in read ? read.policies : [];

    const take = (next: Outcome) => {
        setOutcome({ ...next, imported: [...outcome.imported, ...next.imported] });
        setDecisions(new Map(next.clashes.map((clash) => [clash.index, { choice: choicesOf(clash)[0] ?? 'skip', name: freeName(clash.policy.name, taken) }])));
    };
    const upload = useMutation({
        mutationFn: async () => outcomeOf(await policyChanges.imported(policies, false), policies, policies.map((_policy, index) => index)),
        onSuccess: take,
        onSettled: () => client.invalidateQueries({ queryKey: ['policies'] }),
    });
    const resolve = useMutation({
        mutationFn: async () => {
            const total: Outcome = { imported: [], clashes: [], failures: [...outcome.failures] };
            for (const { overwrite, indexes, policies: sent } of resolutions(outcome.clashes, decisions)) {
                const part = outcomeOf(await policyChanges.imported(sent, overwrite), sent, indexes);
                total.imported.push(...part.imported);
                total.clashes.push(...part.clashes);
                total.failures.push(...part.failures);
            }
            return total;
        },
        onSuccess: take,
        onSettled: () => client.invalidateQueries({ queryKey: ['policies'] }),
    });
    const begun = upload.isSuccess;
    const { clashes } = outcome;
    const problem = clashes.some((clash) => {
        const decision = decisions.get(clash.index);
        return decision === undefined || decisionProblem(decision, clash, taken) !== undefined;
    });
    const failed = upload.error ?? resolve.error;
    const load = (text: string) => {
        try {
            setRead({ policies: readDocument(text) });
        } catch (error) {
            setRead({ problem: errorText(error) });
        }
    };
    return (
        <Modal isOpen variant="medium" aria-labelledby={TITLE} onClose={onClose}>
            <ModalHeader title="Import policies" labelId={TITLE} description={begun ? undefined : 'Choose a JSON file that was exported here or by another Central.'} />
            <ModalBody className="rox-stack" tabIndex={0} aria-label="Import">
                {failed !== null && (
                    <Alert isInline isLiveRegion variant="danger" component="p" title="The import has failed">
                        {errorText(failed)}
                    </Alert>
                )}
                {!begun && (
                    <>
                        <FileUpload
                            id="policy-file"
                            type="text"
                            filename={file}
                            filenamePlaceholder="Drag a file here, or choose one"
                            browseButtonText="Choose a file"
                            hideDefaultPreview
                            dropzoneProps={{ accept: { 'application/json': ['.json'] }, maxFiles: 1, onDropRejected: () => setRead({ problem: 'Choose one file that ends in .json' }) }}
                            onFileInputChange={(_event, chosen) => setFile(chosen.name)}
                            onDataChange={(_event, text) => load(text)}
                            onClearClick={() => {
                                setFile('');
                                setRead(undefined);
                            }}
                        />
                        {read !== undefined && 'problem' in read && <Alert isInline isLiveRegion variant="danger" component="p" title={read.problem} />}
                        {policies.length > 0 && (
                            <>
                                <p role="status">The file holds {plural(policies.length, 'policy', 'policies')}:</p>
                                <ul className="rox-list-plain">
                                    {policies.map(({ name }, index) => (
                                        <li key={index}>{name}</li>
                                    ))}
                                </ul>
                            </>
                        )}
                    </>
                )}
                {begun && <Report outcome={outcome} />}
                {clashes.length > 0 && (
                    <Form>
                        {clashes.map((clash) => (
                            <ClashFields
                                key={clash.index}
                                clash={clash}
                                decision={decisions.get(clash.index)}
                                taken={taken}
                                onChange={(decision) => setDecisions(new Map([...decisions, [clash.index, decision]]))}
                            />
                        ))}
                    </Form>
                )}
            </ModalBody>
            <ModalFooter>
                {!begun && (
                    <Button isDisabled={policies.length === 0 || upload.isPending} isLoading={upload.isPending} onClick={() => upload.mutate()}>
                        Begin import
                    </Button>
                )}
                {clashes.length > 0 && (
                    <Button isDisabled={problem || resolve.isPending} isLoading={resolve.isPending} onClick={() => resolve.mutate()}>
                        Resume import
                    </Button>
                )}
                <Button variant={begun && clashes.length === 0 ? 'primary' : 'link'} onClick={onClose}>
                    {begun ? 'Close' : 'Cancel'}
                </Button>
            </ModalFooter>
        </Modal>
    );
}

function Report({ outcome: { imported, clashes, failures } }: { outcome: Outcome }) {
    const notes = imported.flatMap(({ name, notes: said }) => said.map((note) => `${name}: ${note}`));
    return (
        <>
            {imported.length > 0 && (
                <Alert isInline isLiveRegion variant="success" component="p" title={`${plural(imported.length, 'policy', 'policies')} imported`}>
                    {notes.map((note) => (
                        <div key={note}>{note}</div>
                    ))}
                </Alert>
            )}
            {failures.map((failure) => (
                <Refused key={failure.index} failure={failure} />
            ))}
            {clashes.length > 0 && (
                <Alert
                    isInline
                    isLiveRegion
                    variant="warning"
                    component="p"
                    title={clashes.length === 1 ? 'A policy like this exists. Choose what to do.' : `${clashes.length} policies like these exist. Choose what to do with each.`}
                />
            )}
        </>
    );
}

function Refused({ failure: { name, messages } }: { failure: Failure }) {
    return (
        <Alert isInline isLiveRegion variant="danger" component="p" title={`"${name}" was not imported`}>
            {messages.map((message) => (
                <div key={message} className="rox-break">
                    {message}
                </div>
            ))}
        </Alert>
    );
}

interface ClashProps {
    clash: Clash;
    decision: Decision | undefined;
    taken: ReadonlySet<string>;
    onChange: (decision: Decision) => void;
}

function ClashFields({ clash, decision, taken, onChange }: ClashProps) {
    const { index, policy, sameId, sameName, existing, isSystem } = clash;
    const what = sameId && sameName ? 'ID and name are' : sameId ? 'ID is' : 'name is';
    const owner = `${isSystem ? 'the system policy' : 'the policy'}${existing === '' ? '' : ` "${existing}"`}`;
    const chosen = decision ?? { choice: 'skip', name: '' };
    const problem = decisionProblem(chosen, clash, taken);
    return (
        <FormGroup label={policy.name} role="radiogroup" fieldId={`clash-${index}`} isStack>
            <p className="rox-subtle">{`Its ${what} already used by ${owner}.`}</p>
            {choicesOf(clash).map((choice) => (
                <Radio
                    key={choice}
                    id={`clash-${index}-${choice}`}
                    name={`clash-${index}`}
                    label={choiceLabel(choice, clash)}
                    isChecked={chosen.choice === choice}
                    onChange={() => onChange({ ...chosen, choice })}
                />
            ))}
            {chosen.choice === 'rename' && (
                <>
                    <TextInput
                        aria-label={`New name of ${policy.name}`}
                        value={chosen.name}
                        maxLength={128}
                        validated={problem === undefined ? 'default' : 'error'}
                        onChange={(_event, name) => onChange({ ...chosen, name })}
                    />
                    {problem !== undefined && (
                        <FormHelperText>
                            <HelperText isLiveRegion>
                                <HelperTextItem variant="error">{problem}</HelperTextItem>
                            </HelperText>
                        </FormHelperText>
                    )}
                </>
            )}
        </FormGroup>
    );
}
