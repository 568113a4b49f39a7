// The part of JSON Schema that contract.json uses.
import contract from '../../../src/api/contract.json';

interface Schema {
    $ref?: string;
    type?: string | string[];
    enum?: unknown[];
    required?: string[];
    properties?: Record<string, Schema>;
    additionalProperties?: boolean;
    items?: Schema;
    minimum?: number;
    maximum?: number;
    maxItems?: number;
}

const DEFS = contract.$defs as unknown as Record<string, Schema>;

function typeOf(value: unknown): string {
    if (value === null) {
        return 'null';
    }
    return Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;
}

function isOf(value: unknown, types: string[]): boolean {
    const type = typeOf(value);
    return types.includes(type) || (type === 'integer' && types.includes('number'));
}

/** What is wrong with the value, as paths and reasons; empty when it fits. */
export function errorsOf(value: unknown, schema: Schema | string, path = '$'): string[] {
    const rule = typeof schema === 'string' ? DEFS[schema] : schema.$ref === undefined ? schema : DEFS[schema.$ref.replace('#/$defs/', '')];
    if (rule === undefined) {
        return [`${path}: no such schema`];
    }
    const errors: string[] = [];
    const types = rule.type === undefined ? undefined : [rule.type].flat();
    if (types !== undefined && !isOf(value, types)) {
        return [`${path}: is ${typeOf(value)}, wanted ${types.join(' or ')}`];
    }
    if (rule.enum !== undefined && !rule.enum.includes(value)) {
        errors.push(`${path}: ${String(value)} is not one of the names`);
    }
    if (typeof value === 'number' && (value < (rule.minimum ?? -Infinity) || value > (rule.maximum ?? Infinity))) {
        errors.push(`${path}: ${value} is out of bounds`);
    }
    if (Array.isArray(value)) {
        if (value.length > (rule.maxItems ?? Infinity)) {
            errors.push(`${path}: too many items`);
        }
        const { items } = rule;
        return items === undefined ? errors : errors.concat(value.flatMap((item, index) => errorsOf(item, items, `${path}[${index}]`)));
    }
    if (typeof value === 'object' && value !== null) {
        const object = value as Record<string, unknown>;
        const properties = rule.properties ?? {};
        errors.push(...(rule.required ?? []).filter((key) => !(key in object)).map((key) => `${path}.${key}: is missing`));
        for (const [key, item] of Object.entries(object)) {
            const property = properties[key];
            if (property !== undefined) {
                errors.push(...errorsOf(item, property, `${path}.${key}`));
            } else if (rule.additionalProperties === false) {
                errors.push(`${path}.${key}: is not in the contract`);
            }
        }
    }
    return errors;
}
