// Made-up but lifelike data for developing the portal without Central. Every run makes the same.

// A small linear congruential generator (Numerical Recipes' constants), so that no run differs.
let seed = 20_261;
function random(): number {
    seed = (seed * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return seed / 4_294_967_296;
}
const below = (n: number) => Math.floor(random() * n);
function pick<Item>(items: readonly Item[]): Item {
    return items[below(items.length)] as Item;
}
function uuid(): string {
    const hex = Array.from({ length: 32 }, () => below(16).toString(16)).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
const hex64 = () => Array.from({ length: 64 }, () => below(16).toString(16)).join('');
const HOUR = 3_600_000;
const START = Date.now();
const ago = (hours: number) => new Date(START - hours * HOUR).toISOString();

export const SEVERITIES = ['CRITICAL', 'IMPORTANT', 'MODERATE', 'LOW', 'UNKNOWN'] as const;

const named: [string, string, string, number, string, number, boolean][] = [
    ['CVE-2021-44228', 'log4j-core', '2.14.1', 10, 'Log4j resolves addresses in log messages, which lets attackers run code (Log4Shell).', 0.944, true],
    ['CVE-2022-22965', 'spring-beans', '5.3.17', 9.8, 'Data binding in Spring MVC lets attackers run code (Spring4Shell).', 0.943, true],
    ['CVE-2024-3094', 'xz-utils', '5.6.0-0.2', 10, 'The release archive of xz carries a back door in liblzma.', 0.85, false],
    ['CVE-2022-3602', 'openssl', '3.0.5-1', 7.5, 'A buffer overrun when checking names in X.509 certificates.', 0.77, false],
    ['CVE-2023-38545', 'curl', '7.88.1-10', 9.8, 'A heap overflow in the SOCKS5 handshake.', 0.26, false],
    ['CVE-2023-4911', 'glibc', '2.36-9', 7.8, 'A buffer overflow in the dynamic loader while reading GLIBC_TUNABLES (Looney Tunables).', 0.64, true],
    ['CVE-2021-3156', 'sudo', '1.9.5p1-1', 7.8, 'A heap overflow lets any local user become root (Baron Samedit).', 0.92, true],
    ['CVE-2019-10744', 'lodash', '4.17.11', 9.1, 'defaultsDeep can be tricked into changing Object.prototype.', 0.02, false],
];
const packages = ['zlib1g', 'libxml2', 'busybox', 'requests', 'urllib3', 'minimist', 'jackson-databind', 'expat', 'sqlite3', 'gnutls', 'Pillow', 'express'];

export interface Finding {
    cve: string;
    severity: string;
    cvss: number;
    component: string;
    version: string;
    fixedBy: string;
    summary: string;
    epss: number | null;
    known: boolean;
    discovered: string;
    published: string;
}

function severityFor(cvss: number): string {
    return `${cvss >= 9 ? 'CRITICAL' : cvss >= 7 ? 'IMPORTANT' : cvss >= 4 ? 'MODERATE' : cvss > 0 ? 'LOW' : 'UNKNOWN'}_VULNERABILITY_SEVERITY`;
}
const catalogue: Finding[] = [
    ...named.map(([cve, component, version, cvss, summary, epss, known]) => ({
        cve, component, version, cvss, summary, epss, known,
        severity: severityFor(cvss), fixedBy: `${version}.fix`, discovered: ago(24 + below(2000)), published: ago(9000 + below(20_000)),
    })),
    ...Array.from({ length: 292 }, (_item, index) => {
        const cvss = index % 40 === 0 ? 0 : Math.round((1 + random() * 8.9) * 10) / 10;
        const version = `${below(9)}.${below(30)}.${below(9)}`;
        const component = pick(packages);
        return {
            cve: `CVE-${2017 + below(10)}-${10_000 + index * 7}`, component, version, cvss, severity: severityFor(cvss),
            summary: `A flaw in ${component} before ${version}.1 lets attackers cause a denial of service.`,
            fixedBy: random() < 0.6 ? `${version}.1` : '', epss: random() < 0.8 ? Math.round(random() ** 4 * 1e5) / 1e5 : null,
            known: false, discovered: ago(24 + below(3000)), published: ago(3000 + below(40_000)),
        };
    }),
];

export interface Image {
    id: string;
    digest: string;
    name: string;
    os: string;
    created: string;
    scanTime: string | null;
    notes: string[];
    findings: Finding[];
}
const repositories = ['shop/frontend', 'shop/cart', 'shop/payment', 'shop/catalog', 'platform/gateway', 'platform/auth', 'data/etl', 'data/warehouse', 'library/nginx', 'library/redis', 'library/postgres', 'library/rabbitmq'];
export const images: Image[] = Array.from({ length: 26 }, (_item, index) => {
    const hash = hex64();
    const scanned = index !== 25;
    const share = 5 + below(45);
    const findings = scanned ? catalogue.filter((_finding, at) => (at < 8 ? random() < 0.3 : below(300) < share)) : [];
    return {
        id: `sha256:${hash}`, digest: `sha256:${hash}`,
        name: `registry.local:5000/${repositories[index % repositories.length]}:${1 + below(4)}.${below(20)}.${index}`,
        os: pick(['debian:12', 'debian:11', 'alpine:v3.19', 'rhel:9', 'ubuntu:24.04']),
        created: ago(48 + below(10_000)), scanTime: scanned ? ago(1 + below(70)) : null,
        notes: scanned ? (index % 9 === 0 ? ['No advisories are known for the packages of this distribution.'] : []) : ['The registry refused the download of the image.'],
        findings,
    };
});

export const clusters = [
    { id: uuid(), name: 'production' },
    { id: uuid(), name: 'staging' },
];
export const namespaces = ['shop', 'payments', 'data', 'kube-system', 'stackrox', 'monitoring'].flatMap((name) =>
    clusters.map((cluster) => ({ id: uuid(), name, clusterId: cluster.id, clusterName: cluster.name }))
);
export interface Deployment {
    id: string;
    name: string;
    type: string;
    namespace: string;
    clusterId: string;
    clusterName: string;
    platform: boolean;
    priority: number;
    created: string;
    images: Image[];
}
const words = ['frontend', 'cart', 'payment', 'catalog', 'gateway', 'auth', 'etl', 'warehouse', 'nginx', 'cache'];
export const deployments: Deployment[] = Array.from({ length: 40 }, (_item, index) => {
    const namespace = namespaces[index % namespaces.length] as (typeof namespaces)[number];
    return {
        id: uuid(), name: `${words[index % words.length]}-${1 + Math.floor(index / words.length)}`,
        type: pick(['Deployment', 'Deployment', 'DaemonSet', 'StatefulSet']), namespace: namespace.name,
        clusterId: namespace.clusterId, clusterName: namespace.clusterName,
        platform: ['kube-system', 'stackrox'].includes(namespace.name), priority: index + 1, created: ago(100 + below(5000)),
        images: index % 7 === 0 ? [images[index % 25] as Image, images[(index + 5) % 25] as Image] : [images[(index * 3) % 26] as Image],
    };
});

const policyNames: [string, string, string, string[], boolean][] = [
    ['Log4Shell: log4j Remote Code Execution vulnerability', 'CRITICAL', 'Vulnerability Management', ['BUILD', 'DEPLOY'], false],
    ['Spring4Shell (Spring Framework Remote Code Execution) and Spring Cloud Function vulnerabilities', 'CRITICAL', 'Vulnerability Management', ['BUILD', 'DEPLOY'], false],
    ['Fixable Severity at least Important', 'HIGH', 'Vulnerability Management', ['BUILD', 'DEPLOY'], false],
    ['Privileged Container', 'MEDIUM', 'Privileges', ['DEPLOY'], false],
    ['Container with privilege escalation allowed', 'MEDIUM', 'Privileges', ['DEPLOY'], true],
    ['CAP_SYS_ADMIN capability added', 'MEDIUM', 'Privileges', ['DEPLOY'], false],
    ['Latest tag', 'LOW', 'DevOps Best Practices', ['BUILD', 'DEPLOY'], false],
    ['90-Day Image Age', 'LOW', 'DevOps Best Practices', ['BUILD', 'DEPLOY'], false],
    ['Environment Variable Contains Secret', 'HIGH', 'Security Best Practices', ['DEPLOY'], false],
    ['Mounting Sensitive Host Directories', 'MEDIUM', 'Privileges', ['DEPLOY'], false],
    ['Shell Spawned by Java Application', 'HIGH', 'Anomalous Activity', ['RUNTIME'], false],
    ['Netcat Execution Detected', 'MEDIUM', 'Network Tools', ['RUNTIME'], false],
    ['Ubuntu Package Manager Execution', 'LOW', 'Package Management', ['RUNTIME'], false],
    ['Cryptocurrency Mining Process Execution', 'CRITICAL', 'Cryptocurrency Mining', ['RUNTIME'], false],
    ['Kubernetes Actions: Exec into Pod', 'HIGH', 'Kubernetes Events', ['RUNTIME'], false],
    ['Secure Shell (ssh) Port Exposed in Image', 'MEDIUM', 'Security Best Practices', ['BUILD', 'DEPLOY'], true],
];
export const policies = policyNames.map(([name, severity, category, lifecycleStages, disabled]) => ({
    id: uuid(), name, severity: `${severity}_SEVERITY`, categories: [category], lifecycleStages, disabled,
    description: `Alert when a workload breaks the rule "${name}".`, rationale: 'Attackers look for this first.',
    remediation: 'Change the image or the deployment, then roll it out again.', notifiers: [] as string[], lastUpdated: ago(500),
    eventSource: lifecycleStages.includes('RUNTIME') ? 'DEPLOYMENT_EVENT' : 'NOT_APPLICABLE', isDefault: true, source: 'IMPERATIVE',
    evaluationFilter: null, criteriaLocked: true, mitreVectorsLocked: true, policyVersion: '1.1',
    exclusions: [{ name: 'System workloads', deployment: { name: '', scope: { cluster: '', namespace: 'kube-system', label: null } }, image: null, expiration: null }],
    scope: [], enforcementActions: severity === 'CRITICAL' ? ['FAIL_BUILD_ENFORCEMENT', 'FAIL_KUBE_REQUEST_ENFORCEMENT'] : [],
    policySections: [
        { sectionName: 'Main rule', policyGroups: [{ fieldName: 'Severity', booleanOperator: 'OR', negate: false, values: [{ value: '>= IMPORTANT' }] }, { fieldName: 'Fixable', booleanOperator: 'OR', negate: false, values: [{ value: 'true' }] }] },
        { sectionName: '', policyGroups: [{ fieldName: 'CVE', booleanOperator: 'OR', negate: false, values: [{ value: 'CVE-2021-44228' }, { value: 'CVE-2021-45046' }] }] },
    ],
    mitreAttackVectors: [{ tactic: 'TA0001', techniques: ['T1190'] }],
}));
export type Policy = (typeof policies)[number];

export interface Alert {
    id: string;
    policy: Policy;
    deployment: Deployment;
    stage: string;
    state: string;
    time: string;
}
export const alerts: Alert[] = Array.from({ length: 124 }, (_item, index) => {
    const policy = policies[below(policies.length)] as Policy;
    const runtime = policy.lifecycleStages.includes('RUNTIME');
    return {
        id: uuid(), policy, deployment: deployments[below(deployments.length)] as Deployment, stage: runtime ? 'RUNTIME' : 'DEPLOY',
        state: index % 11 === 0 ? 'ATTEMPTED' : index % 7 === 0 ? 'RESOLVED' : 'ACTIVE', time: ago(random() * 400),
    };
});
export { ago };
