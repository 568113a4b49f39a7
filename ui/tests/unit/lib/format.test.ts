import { describe, expect, it } from 'vitest';

import { dateTime, distance, enforcement, imageShortName, lifecycles, plural, policyRank, probability, rankLabel, score, sentence, sumOf, vulnerabilityRank } from '@/lib/format';

const NOW = Date.parse('2026-11-24T12:00:00Z');

describe('distance', () => {
    it.each([
        ['2026-11-24T11:59:30Z', 'less than a minute'],
        ['2026-11-24T11:58:00Z', '2 minutes'],
        ['2026-11-23T12:00:00Z', '1 day'],
        ['2026-11-27T12:00:00Z', '3 days'],
        ['2024-11-20T12:00:00Z', '2 years'],
        [null, '-'],
        ['nonsense', '-'],
    ])('%s is %s away', (time, expected) => {
        expect(distance(time, NOW)).toBe(expected);
    });
});

describe('severities', () => {
    it('share ranks but not words', () => {
        expect(vulnerabilityRank('IMPORTANT_VULNERABILITY_SEVERITY')).toBe(policyRank('HIGH_SEVERITY'));
        expect(rankLabel('important', 'policy')).toBe('High');
        expect(rankLabel('important', 'vulnerability')).toBe('Important');
    });
    it('are unknown when the name is', () => {
        expect(vulnerabilityRank('SOMETHING')).toBe('unknown');
        expect(policyRank('UNSET_SEVERITY')).toBe('unknown');
    });
    it('sum over all ranks', () => {
        expect(sumOf({ critical: 1, important: 2, moderate: 3, low: 4, unknown: 5 })).toBe(15);
    });
});

describe('words', () => {
    it('sort the lifecycle stages', () => {
        expect(lifecycles(['RUNTIME', 'BUILD', 'DEPLOY'])).toBe('Build, Deploy, Runtime');
    });
    it.each([
        [1, 'CVE', undefined, '1 CVE'],
        [1234, 'CVE', undefined, '1,234 CVEs'],
        [0, 'policy', 'policies', '0 policies'],
    ])('count %d %s', (count, one, many, expected) => {
        expect(plural(count, one, many)).toBe(expected);
    });
    it.each([
        ['quay.io/acme/web:1.2', 'acme/web:1.2'],
        ['localhost:5000/web', 'web'],
        ['acme/web', 'acme/web'],
        ['web', 'web'],
    ])('shorten the image %s', (name, expected) => {
        expect(imageShortName(name)).toBe(expected);
    });
    it('name enforcement actions', () => {
        expect(enforcement('KILL_POD_ENFORCEMENT')).toBe('Kill the pod');
        expect(enforcement('UNSET_ENFORCEMENT')).toBe('None');
    });
    it('make sentences of constants', () => {
        expect(sentence('DEPLOYMENT_EVENT')).toBe('Deployment event');
    });
    it('say when nothing is known', () => {
        expect(score(0)).toBe('Not available');
        expect(score(9)).toBe('9.0');
        expect(probability(null)).toBe('Not available');
        expect(probability(0.94432)).toBe('94.432%');
        expect(dateTime(null)).toBe('-');
    });
});
