// Importing policies: reading the file, and what is in the way of each policy and may be done about it.
import type { ImportAnswer, ImportError, Policy } from '@/api/rest';

// Central refuses longer bodies; the 89 default policies together have 0.3 MB.
const MAX_BYTES = 10_000_000;
const MAX_POLICIES = 1_000;

export type Incoming = Policy;

/** The policies of an exported document. Throws an error whose text says what is wrong with it. */
export function readDocument(text: string): Incoming[] {
    if (text.length > MAX_BYTES) {
        throw new Error('The file has more than 10 MB');
    }
    let document: unknown;
    try {
        document = JSON.parse(text);
    } catch {
        throw new Error('The file is not JSON');
    }
    const policies = typeof document === 'object' && document !== null ? (document as { policies?: unknown }).policies : undefined;
    if (!Array.isArray(policies) || policies.length === 0) {
        throw new Error('The file holds no policies: an export is an object with a list named "policies"');
    }
    if (policies.length > MAX_POLICIES) {
        throw new Error(`The file holds more than ${MAX_POLICIES} policies`);
    }
    const nameless = policies.findIndex((policy) => typeof (policy as { name?: unknown } | null)?.name !== 'string');
    if (nameless >= 0) {
        throw new Error(`Policy ${nameless + 1} of the file has no name`);
    }
    return policies as Incoming[];
}

/** `keep` takes the policy in under a new ID, `rename` under a new name and, where needed, a new ID. */
export type Choice = 'keep' | 'rename' | 'overwrite' | 'skip';

export interface Clash {
    /** The policy's place in the file. */
    index: number;
    policy: Incoming;
    sameId: boolean;
    sameName: boolean;
    /** The policy that is in the way, when Central names it. */
    existing: string;
    /** System policies are never overwritten. */
    isSystem: boolean;
}

export interface Decision {
    choice: Choice;
    name: string;
}

export interface Failure {
    index: number;
    name: string;
    messages: string[];
}

export interface Outcome {
    imported: { index: number; name: string; notes: string[] }[];
    clashes: Clash[];
    failures: Failure[];
}

const has = (errors: readonly ImportError[], ...types: string[]) => errors.some(({ type }) => types.includes(type));

/** What Central said about each policy, whose places in the file are `indexes`. */
export function outcomeOf(answer: ImportAnswer, sent: readonly Incoming[], indexes: readonly number[]): Outcome {
    const outcome: Outcome = { imported: [], clashes: [], failures: [] };
    answer.responses.forEach(({ succeeded, policy, errors }, place) => {
        const index = indexes[place] ?? place;
        const mine = sent[place];
        const name = policy?.name ?? mine?.name ?? '';
        if (succeeded) {
            outcome.imported.push({ index, name, notes: errors.map(({ message }) => message) });
            return;
        }
        const sameId = has(errors, 'duplicate_id', 'duplicate_system_policy_id');
        const sameName = has(errors, 'duplicate_name', 'duplicate_system_policy_name');
        if (mine === undefined || (!sameId && !sameName)) {
            outcome.failures.push({ index, name, messages: errors.map(({ message, validationError }) => validationError || message) });
            return;
        }
        outcome.clashes.push({
            index,
            policy: mine,
            sameId,
            sameName,
            existing: errors.find(({ duplicateName }) => duplicateName)?.duplicateName ?? '',
            isSystem: has(errors, 'duplicate_system_policy_id', 'duplicate_system_policy_name'),
        });
    });
    return outcome;
}

/** What may be done about a clash, the default first. */
export function choicesOf({ sameName, isSystem }: Clash): Choice[] {
    return [sameName ? 'rename' : 'keep', ...(isSystem ? [] : (['overwrite'] as const)), 'skip'];
}

export function choiceLabel(choice: Choice, { sameId }: Clash): string {
    switch (choice) {
        case 'keep':
            return 'Keep both policies (the imported policy is assigned a new ID)';
        case 'rename':
            return sameId ? 'Keep both policies (the imported policy is assigned a new ID and name)' : 'Rename the imported policy';
        case 'overwrite':
            return 'Overwrite the existing policy';
        default:
            return 'Do not import this policy';
    }
}

/** A free name for a policy whose own is taken. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
    for (let number = 1; ; number += 1) {
        const suffix = number === 1 ? ' (imported)' : ` (imported ${number})`;
        const made = `${name.slice(0, 128 - suffix.length)}${suffix}`;
        if (!taken.has(made)) {
            return made;
        }
    }
}

/** What is wrong with a decision; undefined when it can be sent. */
export function decisionProblem({ choice, name }: Decision, clash: Clash, taken: ReadonlySet<string>): string | undefined {
    if (choice !== 'rename') {
        return undefined;
    }
    if (!/^[^\n\r$]{5,128}$/.test(name.trim())) {
        return 'The name must have 5 to 128 characters, without line breaks and dollar signs';
    }
    return name.trim() === clash.policy.name || taken.has(name.trim()) ? 'A policy of this name exists' : undefined;
}

/** The second request, or requests: what is taken in under another identity, and what replaces another. */
export interface Resolution {
    overwrite: boolean;
    indexes: number[];
    policies: Incoming[];
}
export function resolutions(clashes: readonly Clash[], decisions: ReadonlyMap<number, Decision>): Resolution[] {
    const made: Resolution[] = [
        { overwrite: false, indexes: [], policies: [] },
        { overwrite: true, indexes: [], policies: [] },
    ];
    for (const clash of clashes) {
        const decision = decisions.get(clash.index);
        if (decision === undefined || decision.choice === 'skip') {
            continue;
        }
        const policy =
            decision.choice === 'overwrite'
                ? clash.policy
                : { ...clash.policy, id: clash.sameId ? '' : clash.policy.id, name: decision.choice === 'rename' ? decision.name.trim() : clash.policy.name };
        const into = made[decision.choice === 'overwrite' ? 1 : 0];
        into?.indexes.push(clash.index);
        into?.policies.push(policy);
    }
    return made.filter(({ policies }) => policies.length > 0);
}
