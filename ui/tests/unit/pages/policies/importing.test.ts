import { describe, expect, it } from 'vitest';

import type { ImportAnswer } from '@/api/rest';
import { choiceLabel, choicesOf, decisionProblem, freeName, outcomeOf, readDocument, resolutions } from '@/pages/policies/importing';
import type { Clash, Incoming } from '@/pages/policies/importing';

const policy = (id: string, name: string) => ({ id, name }) as Incoming;
const clash = (change: Partial<Clash> = {}): Clash => ({ index: 0, policy: policy('p', 'Name of it'), sameId: true, sameName: true, existing: 'Name of it', isSystem: false, ...change });

describe('a document', () => {
    it('is an object with a list of policies', () => {
        expect(readDocument('{"policies":[{"name":"A"}]}')).toEqual([{ name: 'A' }]);
    });
    it.each([
        ['{', /not JSON/], ['[]', /no policies/], ['{"policies":[]}', /no policies/], ['null', /no policies/], ['{"policies":[{"name":"A"},{"id":"x"}]}', /Policy 2/],
        ['{"policies":[null]}', /Policy 1/], ['x'.repeat(10_000_001), /10 MB/], [JSON.stringify({ policies: Array(1001).fill({ name: 'A' }) }), /more than 1000/],
    ])('%# is refused', (text, problem) => {
        expect(() => readDocument(text)).toThrow(problem);
    });
});

describe('an outcome', () => {
    const answer: ImportAnswer = {
        allSucceeded: false,
        responses: [
            { succeeded: true, policy: policy('1', 'One'), errors: [{ message: 'Stripped', type: 'removed_clusters_or_notifiers' }] },
            { succeeded: false, policy: policy('2', 'Two'), errors: [{ message: 'm', type: 'duplicate_id', duplicateName: 'Old' }] },
            { succeeded: false, policy: policy('3', 'Three'), errors: [{ message: 'm', type: 'duplicate_system_policy_name', duplicateName: 'Three' }] },
            { succeeded: false, policy: policy('4', 'Four'), errors: [{ message: 'Invalid policy', type: 'invalid_policy', validationError: 'policy invalid error: x' }] },
        ],
    };
    it('tells taken policies, clashes and refusals apart', () => {
        const sent = [policy('1', 'One'), policy('2', 'Two'), policy('3', 'Three'), policy('4', 'Four')];
        const { imported, clashes, failures } = outcomeOf(answer, sent, [0, 1, 2, 3]);
        expect(imported).toEqual([{ index: 0, name: 'One', notes: ['Stripped'] }]);
        expect(clashes.map(({ index, sameId, sameName, existing, isSystem }) => [index, sameId, sameName, existing, isSystem])).toEqual([
            [1, true, false, 'Old', false],
            [2, false, true, 'Three', true],
        ]);
        expect(failures).toEqual([{ index: 3, name: 'Four', messages: ['policy invalid error: x'] }]);
    });
});

describe('a clash', () => {
    it.each([
        [clash(), ['rename', 'overwrite', 'skip']],
        [clash({ sameName: false }), ['keep', 'overwrite', 'skip']],
        [clash({ isSystem: true }), ['rename', 'skip']],
    ])('%# offers its choices', (item, choices) => {
        expect(choicesOf(item)).toEqual(choices);
        expect(new Set(choices.map((choice) => choiceLabel(choice as never, item))).size).toBe(choices.length);
    });
    it('finds a free name that is not too long', () => {
        expect(freeName('A policy', new Set())).toBe('A policy (imported)');
        expect(freeName('A policy', new Set(['A policy (imported)']))).toBe('A policy (imported 2)');
        expect(freeName('n'.repeat(128), new Set())).toHaveLength(128);
    });
    it('wants another, free name', () => {
        const taken = new Set(['Taken name']);
        const problem = (name: string) => decisionProblem({ choice: 'rename', name }, clash(), taken);
        expect([problem('Name of it'), problem('Taken name'), problem('abc')].every((text) => text !== undefined)).toBe(true);
        expect(problem('A free name')).toBeUndefined();
        expect(decisionProblem({ choice: 'overwrite', name: '' }, clash(), taken)).toBeUndefined();
    });
    it('is resolved by at most two requests', () => {
        const clashes = [clash(), clash({ index: 1, policy: policy('q', 'Second'), sameId: false }), clash({ index: 2, policy: policy('r', 'Third') }), clash({ index: 3 })];
        const decisions = new Map([
            [0, { choice: 'rename' as const, name: ' New name ' }],
            [1, { choice: 'rename' as const, name: 'Second new' }],
            [2, { choice: 'overwrite' as const, name: '' }],
            [3, { choice: 'skip' as const, name: '' }],
        ]);
        expect(resolutions(clashes, decisions)).toEqual([
            { overwrite: false, indexes: [0, 1], policies: [policy('', 'New name'), policy('q', 'Second new')] },
            { overwrite: true, indexes: [2], policies: [policy('r', 'Third')] },
        ]);
    });
});
