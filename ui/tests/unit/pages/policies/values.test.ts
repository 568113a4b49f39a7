import { describe, expect, it } from 'vitest';

import { criterionOf } from '@/pages/policies/criteria';
import type { Criterion } from '@/pages/policies/criteria';
import { comparisonText, environmentText, firstValue, isBroadPath, parseComparison, parseEnvironment, parsePair, valueProblem } from '@/pages/policies/values';

const named = (name: string): Criterion => criterionOf(name)!;

describe('values of criteria', () => {
    it.each([
        ['>= 7', '>=', '7'],
        ['<=7.5', '<=', '7.5'],
        ['9', '', '9'],
        ['> IMPORTANT', '>', 'IMPORTANT'],
        ['', '', ''],
    ])('%j is %j and %j', (value, sign, operand) => {
        expect(parseComparison(value)).toEqual({ sign, operand });
    });
    it('write equality without a sign, as the engine reads it', () => {
        expect([comparisonText({ sign: '', operand: '7' }), comparisonText({ sign: '>', operand: '7' })]).toEqual(['7', '> 7']);
    });
    it('split at the first equals sign', () => {
        expect(parsePair('a=b=c')).toEqual(['a', 'b=c']);
        expect(parsePair('a')).toEqual(['a', '']);
    });
    it('keep the value of a variable only where it is known', () => {
        expect(parseEnvironment('RAW=KEY=a=b')).toEqual({ source: 'RAW', key: 'KEY', value: 'a=b' });
        expect(environmentText({ source: 'RAW', key: 'K', value: 'v' })).toBe('RAW=K=v');
        expect(environmentText({ source: 'SECRET_KEY', key: 'K', value: 'v' })).toBe('SECRET_KEY=K=');
    });
    it.each([
        ['Image Age', '90', true], ['Image Age', '-1', false], ['Image Age', '', false],
        ['CVSS', '>= 7.5', true], ['CVSS', 'high', false], ['Exposed Port', '< 1024', true],
        ['Image Tag', 'latest', true], ['Image Tag', '  ', false],
        ['Image Component', 'curl=', true], ['Image Component', '=1.2', false],
        ['Dockerfile Line', 'RUN=', true], ['Dockerfile Line', '=', false],
        ['Environment Variable', 'RAW==', true], ['Environment Variable', '==', false], ['Environment Variable', '==x', true],
        ['Severity', '>= ', false], ['Severity', '>= LOW', true],
        ['File Path', '/etc/shadow', true], ['File Path', 'etc', false], ['File Path', '/a/../b', false],
        ['Add Capabilities', '', false], ['Add Capabilities', 'CHOWN', true],
    ])('%s %j is right: %s', (name, value, right) => {
        expect(valueProblem(named(name), value) === undefined).toBe(right);
    });
    it('begin as something sensible', () => {
        expect(['Privileged Container', 'Severity', 'Required Label', 'Environment Variable', 'Image Tag'].map((name) => firstValue(named(name)))).toEqual(['true', '>= IMPORTANT', '=', 'RAW==', '']);
    });
    it.each([['/', true], ['/**', true], ['/**/*', true], ['/etc/**', false]])('%s matches nearly everything: %s', (path, broad) => {
        expect(isBroadPath(path)).toBe(broad);
    });
});
