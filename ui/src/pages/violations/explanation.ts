// The words for why a policy matched.
import type { CriterionFindings, Evaluation, ExplainedViolation, ViolationCause } from '@/api/rest';
import { sentence } from '@/lib/format';

/** What a criterion asks: `Privileged Container is true`, `Not CVE is any of a, b`. */
export function askedText({ criterion, negate, operator, values }: Pick<CriterionFindings, 'criterion' | 'negate' | 'operator' | 'values'>): string {
    const join = operator === 'AND' ? ' and ' : ' or ';
    return `${negate ? 'Not ' : ''}${criterion}: ${values.join(join)}`;
}

/** The objects of one cause: `container "web"`, or the deployment itself. */
export function objectText({ path, container }: ViolationCause['objects'][number]): string {
    if (path === '') {
        return container === '' ? 'the object as a whole' : `container "${container}"`;
    }
    return container === '' ? path : `container "${container}" (${path})`;
}

const SUBJECTS: Record<string, string> = {
    deployment: 'Deployment', image: 'Image', process: 'Process', kubeEvent: 'Kubernetes request', auditEvent: 'Audit event', networkFlow: 'Network flow',
    fileAccess: 'File access', nodeEvent: 'Node event',
};
export function subjectText({ subject: { kind, name } }: Pick<Evaluation, 'subject'>): string {
    const title = SUBJECTS[kind] ?? sentence(kind);
    return name === '' ? title : `${title} "${name}"`;
}

/** The explanation of a message of the alert, by its place there. */
export function explanationAt(violations: readonly ExplainedViolation[], kind: ExplainedViolation['kind'], place: number): ExplainedViolation | undefined {
    return violations.filter((violation) => violation.kind === kind)[place];
}
