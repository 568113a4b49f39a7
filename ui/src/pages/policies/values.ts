// The texts of criterion values: what each input shows of them, what it writes, and what is wrong with them.
import type { Criterion } from './criteria';

/** A value for numbers and ratings: `>= 7`; no sign means equality. */
export interface Comparison {
    sign: string;
    operand: string;
}
export const SIGNS: readonly (readonly [sign: string, label: string])[] = [
    ['>', 'Is greater than'],
    ['>=', 'Is greater than or equal to'],
    ['', 'Is equal to'],
    ['<=', 'Is less than or equal to'],
    ['<', 'Is less than'],
];

export function parseComparison(value: string): Comparison {
    const [, sign = '', operand = ''] = /^\s*(<=|>=|<|>)?\s*(.*)$/s.exec(value) ?? [];
    return { sign, operand };
}
export function comparisonText({ sign, operand }: Comparison): string {
    return sign === '' ? operand : `${sign} ${operand}`;
}

/** `name=version`; a value without an equals sign is the first part alone. */
export function parsePair(value: string): [first: string, second: string] {
    const at = value.indexOf('=');
    return at < 0 ? [value, ''] : [value.slice(0, at), value.slice(at + 1)];
}

export interface EnvironmentValue {
    source: string;
    key: string;
    value: string;
}
export function parseEnvironment(text: string): EnvironmentValue {
    const [source, rest] = parsePair(text);
    const [key, value] = parsePair(rest);
    return { source, key, value };
}
export function environmentText({ source, key, value }: EnvironmentValue): string {
    return `${source}=${key}=${hasRawValue(source) ? value : ''}`;
}
/** The value of a variable from elsewhere is not known, so a policy may not ask for it. */
export function hasRawValue(source: string): boolean {
    return ['', 'UNSET', 'RAW', 'UNKNOWN'].includes(source);
}

/** The value of a criterion that was just added. */
export function firstValue({ input }: Criterion): string {
    switch (input) {
        case 'BOOLEAN':
            return 'true';
        case 'SEVERITY':
            return '>= IMPORTANT';
        case 'ENVIRONMENT':
            return 'RAW==';
        case 'KEY_VALUE':
        case 'DOCKERFILE':
            return '=';
        default:
            return '';
    }
}

const WRONG: Record<string, (value: string) => string | undefined> = {
    DAYS: (value) => (/^\d+$/.test(value) ? undefined : 'Enter a whole number of days'),
    COMPARISON: (value) => (/^(<=|>=|<|>)?\s*\d*\.?\d+$/.test(value.trim()) ? undefined : 'Enter a number'),
    SEVERITY: (value) => (parseComparison(value).operand === '' ? 'Choose a severity' : undefined),
    KEY_VALUE: (value) => (parsePair(value)[0] === '' ? 'The first part may not be empty' : undefined),
    DOCKERFILE: (value) => (value === '=' ? 'Choose an instruction or enter arguments' : undefined),
    ENVIRONMENT: (value) => {
        const { key, value: wanted } = parseEnvironment(value);
        return key === '' && wanted === '' && value.startsWith('=') ? 'Enter a key, a value or a source' : undefined;
    },
    PATH: (value) => {
        if (!value.startsWith('/')) {
            return 'The path must be absolute';
        }
        return value.split('/').includes('..') ? "The path may not contain '..'" : undefined;
    },
};

/** What is wrong with a value; undefined when nothing is. Central has the last word. */
export function valueProblem(criterion: Criterion, value: string): string | undefined {
    const problem = WRONG[criterion.input];
    if (problem !== undefined) {
        return problem(value);
    }
    return value.trim() === '' ? 'Enter a value' : undefined;
}

/** A path glob that nearly every file of a container meets. */
export function isBroadPath(value: string): boolean {
    return /^\/(\*\*?\/?)*\*?$/.test(value);
}
