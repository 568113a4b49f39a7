// A made-up explanation of a violation: the first section holds, the second does not.
import type { AlertExplanation, Finding } from '../src/api/rest.ts';

import type { Alert } from './data.ts';

export function explanationOf({ id, policy, deployment, stage }: Alert): AlertExplanation {
    const runtime = stage === 'RUNTIME';
    const finding = (path: string, value: string, matched: boolean, linked: boolean): Finding => ({ path, value, matched, linked });
    const severity = {
        criterion: 'Severity', negate: false, operator: 'OR', values: ['>= IMPORTANT'], omitted: 0,
        findings: [finding('containers[0].image.scan.components[3].vulns[0].severity', 'critical_vulnerability_severity', true, true), finding('containers[0].image.scan.components[5].vulns[1].severity', 'low_vulnerability_severity', false, false)],
    };
    const fixable = {
        criterion: 'Fixable', negate: false, operator: 'OR', values: ['true'], omitted: 12,
        findings: [finding('containers[0].image.scan.components[3].vulns[0].fixedBy', '2.15.0', true, true)],
    };
    const cve = { criterion: 'CVE', negate: false, operator: 'OR', values: ['CVE-2021-44228', 'CVE-2021-45046'], omitted: 0, findings: [finding('containers[0].image.scan.components[5].vulns[1].cve', 'CVE-2023-4911', false, false)] };
    const subject = { kind: runtime ? 'process' : 'deployment', name: runtime ? 'sh' : deployment.name };
    const cause = { subject, sectionIndex: 0, section: 'Main rule', objects: [{ path: 'containers[0]', container: deployment.name }], omittedObjects: 0, criteria: [severity, fixable] };
    return {
        alertId: id, policyId: policy.id, policyName: policy.name, lifecycleStage: runtime ? 'RUNTIME' : 'DEPLOY', explainedAt: new Date().toISOString(), basis: 'STORED',
        notes: [], matched: true, totalViolations: 1, omittedEvaluations: 0,
        violations: [{
            index: 0, kind: runtime ? 'PROCESS' : 'VIOLATION', type: runtime ? 'PROCESS' : 'GENERIC', reproduced: true, causes: [cause],
            message: runtime ? "Binary '/bin/sh' executed with 1 unique arguments" : `Container '${deployment.name}' breaks the rule of "${policy.name}"`,
        }],
        evaluations: [{
            subject, policyId: policy.id, policyName: policy.name, matched: true,
            sections: [
                { section: 'Main rule', matched: true, error: '', criteria: [{ ...severity, matched: true }, { ...fixable, matched: true }] },
                { section: '', matched: false, error: '', criteria: [{ ...cve, matched: false }] },
            ],
        }],
    };
}
