// The fake Central's answers, in the exact shapes of the REST API and of src/api/contract.json.
import { ago, alerts, clusters, deployments, images, namespaces } from './data.ts';
import type { Alert, Deployment, Finding, Image } from './data.ts';
import { explanationOf } from './explanation.ts';
import { categories, mitreAttackVectors, policies } from './policies.ts';
import { baseline, processesOf, riskOf, timelineOf, withProcessInfo } from './risk.ts';

type Params = URLSearchParams;
type Terms = Map<string, string[]>;

/** Just enough of the search language for the portal's own queries. */
export function parseQuery(text: string): Terms {
    const terms: Terms = new Map();
    for (const match of text.matchAll(/([A-Z][A-Za-z ]+):((?:"[^"]*"|[^"+])*)/g)) {
        const values = [...(match[2] ?? '').matchAll(/"[^"]*"|[^,]+/g)].map(([value]) => value);
        terms.set(match[1] ?? '', values);
    }
    return terms;
}
function matches(terms: Terms, field: string, value: string): boolean {
    const wanted = terms.get(field);
    return (
        wanted === undefined ||
        wanted.some((item) => {
            if (item.startsWith('"')) {
                return item.slice(1, -1) === value;
            }
            if (item.startsWith('r/')) {
                return value.toLowerCase().includes(item.slice(2).toLowerCase());
            }
            return value.toLowerCase().startsWith(item.toLowerCase());
        })
    );
}
const above = (terms: Terms, field: string, value: number) => {
    const wanted = terms.get(field)?.[0]?.match(/^>=?\s*([\d.]+)/);
    return wanted ? value >= Number(wanted[1]) : true;
};

const findingMatches = (terms: Terms, finding: Finding) =>
    matches(terms, 'CVE', finding.cve) && matches(terms, 'Severity', finding.severity) &&
    matches(terms, 'Fixable', String(finding.fixedBy !== '')) && matches(terms, 'Component', finding.component) && above(terms, 'CVSS', finding.cvss);
const imageMatches = (terms: Terms, image: Image) =>
    matches(terms, 'Image', image.name) && matches(terms, 'Image OS', image.os) && matches(terms, 'Image Sha', image.digest);
const deploymentMatches = (terms: Terms, deployment: Deployment) =>
    matches(terms, 'Deployment', deployment.name) && matches(terms, 'Deployment ID', deployment.id) &&
    matches(terms, 'Namespace', deployment.namespace) && matches(terms, 'Cluster', deployment.clusterName) &&
    matches(terms, 'Platform Component', String(deployment.platform));
const usesDeployments = (terms: Terms) =>
    ['Deployment', 'Deployment ID', 'Namespace', 'Cluster', 'Platform Component'].some((field) => terms.has(field));
const usesFindings = (terms: Terms) => ['CVE', 'Severity', 'Fixable', 'Component', 'CVSS'].some((field) => terms.has(field));

const RANK: Record<string, string> = {
    CRITICAL_VULNERABILITY_SEVERITY: 'critical', IMPORTANT_VULNERABILITY_SEVERITY: 'important',
    MODERATE_VULNERABILITY_SEVERITY: 'moderate', LOW_VULNERABILITY_SEVERITY: 'low', UNKNOWN_VULNERABILITY_SEVERITY: 'unknown',
};
function severityCounts(findings: readonly { severity: string }[]) {
    const counts: Record<string, number> = { critical: 0, important: 0, moderate: 0, low: 0, unknown: 0 };
    findings.forEach(({ severity }) => (counts[RANK[severity] ?? 'unknown'] = (counts[RANK[severity] ?? 'unknown'] ?? 0) + 1));
    return counts;
}
const unique = (findings: readonly Finding[]) => [...new Map(findings.map((finding) => [finding.cve, finding])).values()];
const fixableCounts = (findings: readonly Finding[]) => {
    const fixable = findings.filter(({ fixedBy }) => fixedBy !== '').length;
    return { fixable, notFixable: findings.length - fixable };
};
const earliest = (times: readonly string[]) => [...times].sort()[0] ?? null;

function scopedImages(terms: Terms): Image[] {
    const used = new Set(deployments.filter((deployment) => deploymentMatches(terms, deployment)).flatMap((deployment) => deployment.images));
    return images.filter((image) => imageMatches(terms, image) && (!usesDeployments(terms) || used.has(image)));
}
const usersOf = (terms: Terms, image: Image) => deployments.filter((item) => item.images.includes(image) && deploymentMatches(terms, item));

function cveRows(terms: Terms) {
    const byCve = new Map<string, { finding: Finding; images: Image[] }>();
    for (const image of scopedImages(terms)) {
        for (const finding of unique(image.findings.filter((item) => findingMatches(terms, item)))) {
            const entry = byCve.get(finding.cve) ?? { finding, images: [] };
            entry.images.push(image);
            byCve.set(finding.cve, entry);
        }
    }
    return [...byCve.values()].map(({ finding, images: found }) => ({
        cve: finding.cve, severityCounts: severityCounts(found.map(() => finding)), topCvss: finding.cvss, topNvdCvss: finding.cvss,
        epssProbability: finding.epss, knownExploit: finding.known, fixable: finding.fixedBy !== '', imageCount: found.length,
        deploymentCount: new Set(found.flatMap((image) => usersOf(terms, image))).size, firstDiscovered: finding.discovered,
        published: finding.published, summary: finding.summary,
    }));
}
function imageRows(terms: Terms) {
    return scopedImages(terms)
        .map((image) => ({ image, findings: unique(image.findings.filter((item) => findingMatches(terms, item))) }))
        .filter(({ findings }) => findings.length > 0 || !usesFindings(terms))
        .map(({ image, findings }) => ({
            id: image.id, digest: image.digest, name: image.name, severityCounts: severityCounts(findings), fixableCounts: fixableCounts(findings),
            topCvss: Math.max(0, ...findings.map(({ cvss }) => cvss)), operatingSystem: image.os, deploymentCount: usersOf(terms, image).length,
            created: image.created, scanTime: image.scanTime, scanned: image.scanTime !== null, firstDiscovered: earliest(findings.map(({ discovered }) => discovered)),
        }));
}
function deploymentRows(terms: Terms) {
    return deployments
        .filter((deployment) => deploymentMatches(terms, deployment))
        .map((deployment) => {
            const used = deployment.images.filter((image) => imageMatches(terms, image));
            return { deployment, used, findings: unique(used.flatMap((image) => image.findings).filter((item) => findingMatches(terms, item))) };
        })
        .filter(({ findings, used }) => used.length > 0 && (findings.length > 0 || !usesFindings(terms)))
        .map(({ deployment: { id, name, type, clusterId, clusterName, namespace }, used, findings }) => ({
            id, name, type, clusterId, clusterName, namespace, severityCounts: severityCounts(findings), fixableCounts: fixableCounts(findings),
            imageCount: used.length, firstDiscovered: earliest(findings.map(({ discovered }) => discovered)),
        }));
}

const ORDER = ['critical', 'important', 'moderate', 'low', 'unknown'];
function sortKey(row: Record<string, unknown>, key: string): string | number {
    if (key === 'severity') {
        const counts = row['severityCounts'] as Record<string, number> | undefined;
        return counts === undefined
            ? -ORDER.indexOf(RANK[String(row['severity'])] ?? 'unknown')
            : ORDER.map((rank) => String(counts[rank] ?? 0).padStart(6, '0')).join('');
    }
    const value = row[key];
    return typeof value === 'number' ? value : typeof value === 'string' ? value : '';
}
function paged<Row extends object>(rows: Row[], params: Params) {
    const sort = params.get('sort') ?? '-severity';
    const key = sort.replace(/^-/, '');
    const sign = sort.startsWith('-') ? -1 : 1;
    const sorted = [...rows].sort((a, b) => {
        const [x, y] = [sortKey(a as Record<string, unknown>, key), sortKey(b as Record<string, unknown>, key)];
        return sign * (x < y ? -1 : x > y ? 1 : 0);
    });
    const offset = Number(params.get('offset') ?? 0);
    return { total: rows.length, items: sorted.slice(offset, offset + Number(params.get('limit') ?? 20)) };
}

function cveDetail(cve: string, terms: Terms) {
    const row = cveRows(new Map([...terms, ['CVE', [`"${cve}"`]]]))[0];
    if (row === undefined) {
        return undefined;
    }
    const { severityCounts: imageSeverityCounts, ...other } = row;
    const rest = Object.fromEntries(Object.entries(other).filter(([key]) => key !== 'fixable'));
    const found = scopedImages(terms).filter((image) => image.findings.some((finding) => finding.cve === cve));
    const link = `https://nvd.nist.gov/vuln/detail/${cve}`;
    const severity = found[0]?.findings.find((finding) => finding.cve === cve)?.severity;
    return {
        ...rest, link, imageSeverityCounts, totalImages: scopedImages(new Map([...terms].filter(([field]) => field !== 'CVE'))).length,
        distros: [...new Set(found.map(({ os }) => os))].map((operatingSystem) => ({ operatingSystem, severity, cvss: row.topCvss, summary: row.summary, link })),
    };
}
function imageDetail(id: string, terms: Terms) {
    const image = images.find((item) => item.id === id);
    if (image === undefined) {
        return undefined;
    }
    const findings = unique(image.findings.filter((item) => findingMatches(terms, item)));
    return {
        id: image.id, digest: image.digest, name: image.name, otherNames: [], operatingSystem: image.os, created: image.created,
        scanTime: image.scanTime, scanned: image.scanTime !== null, notes: image.notes, dataSource: image.scanTime === null ? '' : 'Scanner V4',
        componentCount: image.findings.length * 3, deploymentCount: usersOf(new Map(), image).length,
        severityCounts: severityCounts(findings), fixableCounts: fixableCounts(findings),
    };
}
function imageCves(id: string, terms: Terms) {
    const image = images.find((item) => item.id === id);
    return image?.findings.filter((item) => findingMatches(terms, item)).map((finding) => ({
        cve: finding.cve, severity: finding.severity, fixable: finding.fixedBy !== '', cvss: finding.cvss, nvdCvss: finding.cvss,
        epssProbability: finding.epss, knownExploit: finding.known, componentCount: 1,
        components: [{
            name: finding.component, version: finding.version, fixedBy: finding.fixedBy, advisory: finding.fixedBy === '' ? '' : 'DSA-5678-1',
            advisoryLink: finding.fixedBy === '' ? '' : 'https://security-tracker.debian.org/tracker/DSA-5678-1', source: 'OS',
            location: 'var/lib/dpkg/status', layerInstruction: 'RUN', layerValue: `apt-get install -y ${finding.component}`,
            severity: finding.severity, cvss: finding.cvss,
        }],
        firstDiscovered: finding.discovered, published: finding.published, summary: finding.summary, link: `https://nvd.nist.gov/vuln/detail/${finding.cve}`,
    }));
}

function alertMatches(terms: Terms, { policy, deployment, stage, state }: Alert): boolean {
    return (
        matches(terms, 'Policy', policy.name) && matches(terms, 'Severity', policy.severity) && matches(terms, 'Category', policy.categories[0] ?? '') &&
        matches(terms, 'Lifecycle Stage', stage) && matches(terms, 'Violation State', state) && matches(terms, 'Entity Type', 'DEPLOYMENT') &&
        deploymentMatches(terms, deployment)
    );
}
const found = (query: string) => alerts.filter((alert) => !alert.policy.disabled || alert.stage === 'RUNTIME').filter((alert) => alertMatches(parseQuery(query), alert));

function listAlert({ id, policy, deployment, stage, state, time }: Alert) {
    return {
        id, lifecycleStage: stage, time, state, enforcementCount: state === 'ATTEMPTED' ? 1 : 0,
        policy: { id: policy.id, name: policy.name, severity: policy.severity, description: policy.description, categories: policy.categories, developerInternalFields: null },
        enforcementAction: state === 'ATTEMPTED' ? 'FAIL_DEPLOYMENT_CREATE_ENFORCEMENT' : 'UNSET_ENFORCEMENT',
        commonEntityInfo: { clusterName: deployment.clusterName, namespace: deployment.namespace, clusterId: deployment.clusterId, namespaceId: '', resourceType: 'DEPLOYMENT' },
        deployment: { id: deployment.id, name: deployment.name, clusterName: deployment.clusterName, namespace: deployment.namespace, clusterId: deployment.clusterId, inactive: false, namespaceId: '', deploymentType: deployment.type },
    };
}
const ALERT_KEY: Record<string, (alert: Alert) => string | number> = {
    Policy: ({ policy }) => policy.name,
    Severity: ({ policy }) => ['LOW_SEVERITY', 'MEDIUM_SEVERITY', 'HIGH_SEVERITY', 'CRITICAL_SEVERITY'].indexOf(policy.severity),
    Category: ({ policy }) => policy.categories[0] ?? '',
    'Lifecycle Stage': ({ stage }) => stage,
    'Enforcement Action': ({ state }) => state,
    'Violation Time': ({ time }) => time,
};
function alertList(params: Params) {
    const key = ALERT_KEY[params.get('pagination.sortOption.field') ?? 'Violation Time'] ?? (() => 0);
    const sign = params.get('pagination.sortOption.reversed') === 'true' ? -1 : 1;
    const offset = Number(params.get('pagination.offset') ?? 0);
    const limit = Number(params.get('pagination.limit') ?? 0) || 1000;
    return found(params.get('query') ?? '')
        .sort((a, b) => sign * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
        .slice(offset, offset + limit)
        .map(listAlert);
}
function alertDetail(id: string) {
    const alert = alerts.find((item) => item.id === id);
    if (alert === undefined) {
        return undefined;
    }
    const { policy, deployment, stage, state, time } = alert;
    const runtime = stage === 'RUNTIME';
    return {
        id, policy, lifecycleStage: stage, clusterId: deployment.clusterId, clusterName: deployment.clusterName, namespace: deployment.namespace,
        namespaceId: '', time, firstOccurred: time, resolvedAt: state === 'RESOLVED' ? ago(1) : null, state, platformComponent: deployment.platform,
        entityType: 'DEPLOYMENT', enforcementCount: state === 'ATTEMPTED' ? 1 : 0,
        enforcement: state === 'ATTEMPTED' ? { action: 'FAIL_DEPLOYMENT_CREATE_ENFORCEMENT', message: 'Failed deployment create in response to this policy violation.' } : null,
        deployment: {
            id: deployment.id, name: deployment.name, type: deployment.type, namespace: deployment.namespace, namespaceId: '', labels: { app: deployment.name },
            clusterId: deployment.clusterId, clusterName: deployment.clusterName, annotations: {}, inactive: false,
            containers: deployment.images.map((image) => ({ name: deployment.name, image: { id: image.id, name: { registry: '', remote: '', tag: '', fullName: image.name } } })),
        },
        violations: runtime ? [] : [{ message: `Container '${deployment.name}' breaks the rule of "${policy.name}"`, type: 'GENERIC', time: null }],
        processViolation: runtime
            ? {
                  message: "Binary '/bin/sh' executed with 1 unique arguments",
                  processes: [{
                      id: `${id}-p`, deploymentId: deployment.id, containerName: deployment.name, podId: `${deployment.name}-abcde`, podUid: '', clusterId: '', namespace: '', containerStartTime: null, imageId: '',
                      signal: { id: '', containerId: '0123456789ab', time, name: 'sh', args: '-c id', execFilePath: '/bin/sh', pid: 4242, uid: 0, gid: 0, lineage: [], scraped: false, lineageInfo: [{ parentUid: 1000, parentExecFilePath: '/usr/bin/java' }] },
                  }],
              }
            : { message: '', processes: [] },
    };
}
function alertGroups(params: Params) {
    const list = found(params.get('request.query') ?? '');
    const groupOf = (alert: Alert) => (params.get('group_by') === 'CATEGORY' ? (alert.policy.categories[0] ?? '') : params.get('group_by') === 'CLUSTER' ? alert.deployment.clusterName : '');
    const groups = [...new Set(list.map(groupOf))].sort();
    return groups.map((group) => ({
        group,
        counts: ['LOW_SEVERITY', 'MEDIUM_SEVERITY', 'HIGH_SEVERITY', 'CRITICAL_SEVERITY']
            .map((severity) => ({ severity, count: String(list.filter((alert) => groupOf(alert) === group && alert.policy.severity === severity).length) }))
            .filter(({ count }) => count !== '0'),
    }));
}

function clusterAnswer({ id, name }: { id: string; name: string }) {
    const degraded = name === 'staging';
    return {
        id, name, type: 'KUBERNETES_CLUSTER', labels: { environment: name }, mainImage: 'registry.local:5000/pyrox/main', collectorImage: 'registry.local:5000/pyrox/collector',
        centralApiEndpoint: 'central.stackrox.svc:443', runtimeSupport: true, collectionMethod: 'CORE_BPF', admissionController: true, admissionControllerUpdates: true,
        admissionControllerEvents: true, admissionControllerFailOnError: false, managedBy: 'MANAGER_TYPE_HELM_CHART', priority: '1', slimCollector: false, helmConfig: null,
        mostRecentSensorId: null, auditLogState: {}, initBundleId: '', sensorCapabilities: [], tolerationsConfig: { disabled: false },
        status: {
            sensorVersion: '4.11.0', DEPRECATEDLastContact: null, providerMetadata: degraded ? null : { region: 'eu-central-1', zone: '', aws: { accountId: '1' }, verified: true, cluster: null },
            orchestratorMetadata: { version: 'v1.31.4', buildDate: null, apiVersions: [] }, upgradeStatus: { upgradability: 'UP_TO_DATE', upgradabilityStatusReason: '', mostRecentProcess: null },
            certExpiryStatus: { sensorCertExpiry: ago(-8000), sensorCertNotBefore: ago(700) }, sensorVersionCompatibility: 'SENSOR_VERSION_COMPATIBILITY_MATCHED',
        },
        dynamicConfig: { admissionControllerConfig: { enabled: true, timeoutSeconds: 10, scanInline: true, disableBypass: false, enforceOnUpdates: true }, registryOverride: '', disableAuditLogs: true, autoLockProcessBaselinesConfig: { enabled: false }, processIndicators: null },
        healthStatus: {
            id, sensorHealthStatus: 'HEALTHY', collectorHealthStatus: degraded ? 'DEGRADED' : 'HEALTHY', overallHealthStatus: degraded ? 'DEGRADED' : 'HEALTHY',
            admissionControlHealthStatus: 'HEALTHY', scannerHealthStatus: 'HEALTHY', lastContact: ago(0.005), healthInfoComplete: true,
            collectorHealthInfo: { version: '4.11.0', totalDesiredPods: 3, totalReadyPods: degraded ? 2 : 3, totalRegisteredNodes: 3, statusErrors: degraded ? ['One pod cannot load its programs: the kernel has no type information.'] : [] },
            admissionControlHealthInfo: { totalDesiredPods: 2, totalReadyPods: 2, statusErrors: [] },
            scannerHealthInfo: { totalDesiredAnalyzerPods: 1, totalReadyAnalyzerPods: 1, totalDesiredDbPods: 1, totalReadyDbPods: 1, statusErrors: [] },
        },
    };
}
function deploymentAnswer(id: string) {
    const deployment = deployments.find((item) => item.id === id);
    return deployment === undefined
        ? undefined
        : {
              ...deployment, images: undefined, priority: String(deployment.priority), replicas: '2', labels: { app: deployment.name, tier: 'web' }, annotations: { owner: 'team-a' }, serviceAccount: 'default',
              imagePullSecrets: [], hostNetwork: false, hostPid: false, hostIpc: false, ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP', exposure: 'INTERNAL' }],
              containers: deployment.images.map((image, index) => ({
                  name: index === 0 ? deployment.name : 'sidecar', image: { id: image.id, idV2: '', name: { registry: '', remote: '', tag: '', fullName: image.name } },
                  config: { command: ['/app/start'], args: ['--port', '8080'], user: '1000', env: [{ key: 'LOG_LEVEL', value: 'info', envVarSource: 'RAW' }] },
                  securityContext: { privileged: index > 0, addCapabilities: [], dropCapabilities: ['ALL'], readOnlyRootFilesystem: true },
                  volumes: [{ name: 'data', source: '', destination: '/data', readOnly: false, type: 'EmptyDir' }],
                  resources: { cpuCoresRequest: 0.1, cpuCoresLimit: 1, memoryMbRequest: 128, memoryMbLimit: 512 },
              })),
          };
}
const RISK_KEY: Record<string, (deployment: Deployment) => string | number> = {
    Deployment: ({ name }) => name, Created: ({ created }) => created, Cluster: ({ clusterName }) => clusterName, Namespace: ({ namespace }) => namespace,
};
const riskRows = (params: Params) => deployments.filter((deployment) => deploymentMatches(query(params), deployment) && deployment.images.some((image) => imageMatches(query(params), image)));
function risks(params: Params) {
    const key = RISK_KEY[params.get('pagination.sortOption.field') ?? ''] ?? (({ priority }: Deployment) => priority);
    const sign = params.get('pagination.sortOption.reversed') === 'true' ? -1 : 1;
    const offset = Number(params.get('pagination.offset') ?? 0);
    return riskRows(params)
        .sort((a, b) => sign * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
        .slice(offset, offset + Number(params.get('pagination.limit') ?? 20))
        .map(withProcessInfo);
}
const ofDeployment = (id: string, answer: (deployment: Deployment) => unknown) => {
    const deployment = deployments.find((item) => item.id === id);
    return deployment && answer(deployment);
};
function dashboard(terms: Terms) {
    const shown = deployments.filter((deployment) => deploymentMatches(terms, deployment));
    const scoped = scopedImages(terms);
    const days = ({ created }: Image) => (Date.now() - Date.parse(created)) / 86_400_000;
    const bands = [30, 90, 180, 365];
    return {
        counts: { clusters: clusters.length, nodes: 6, violations: alerts.filter(({ state }) => state === 'ACTIVE').length, deployments: shown.length, images: scoped.length, secrets: 31 },
        imagesAtMostRisk: scoped.slice(0, 6).map((image, index) => ({
            id: image.id, name: image.name, priority: index + 1, severityCounts: severityCounts(image.findings),
            fixableSeverityCounts: severityCounts(image.findings.filter(({ fixedBy }) => fixedBy !== '')),
        })),
        deploymentsAtMostRisk: shown.slice(0, 6).map(({ id, name, clusterName, namespace, priority }) => ({ id, name, clusterName, namespace, priority })),
        imageAges: bands.map((minDays, index) => ({ minDays, count: scoped.filter((image) => days(image) >= minDays && days(image) < (bands[index + 1] ?? Infinity)).length })),
    };
}

const ACCESS = ['Access', 'Administration', 'Alert', 'CVE', 'Cluster', 'Compliance', 'Deployment', 'DeploymentExtension', 'Detection', 'Image', 'ImageAdministration', 'Integration', 'K8sRole', 'K8sRoleBinding', 'K8sSubject', 'Namespace', 'NetworkGraph', 'NetworkPolicy', 'Node', 'Secret', 'ServiceAccount', 'VulnerabilityManagementApprovals', 'VulnerabilityManagementRequests', 'WatchedImage', 'WorkflowAdministration'];
const permissions = { resourceToAccess: Object.fromEntries(ACCESS.map((resource) => [resource, 'READ_WRITE_ACCESS'])) };

type Answer = (params: Params, id: string) => unknown;
const query = (params: Params) => parseQuery(params.get('query') ?? '');

/** Path pattern to answer; undefined is 404. `:id` is one encoded segment. */
export const GET_ANSWERS: readonly [string, Answer][] = [
    ['/v1/metadata', () => ({ version: '4.11.0', buildFlavor: 'release', releaseBuild: true, licenseStatus: 'VALID', compatibleSensorVersions: [] })],
    ['/v1/mypermissions', () => permissions],
    ['/v1/auth/status', () => ({ userId: 'admin', expires: new Date(Date.now() + 86_400_000).toISOString(), refreshUrl: '', authProvider: null, userInfo: { username: 'admin', friendlyName: '', permissions, roles: [{ name: 'Admin', ...permissions }] }, userAttributes: [{ key: 'username', values: ['admin'] }], idpToken: '' })],
    ['/v1/credentialexpiry', () => ({ expiry: ago(-8000) })],
    ['/v1/database/status', () => ({ databaseAvailable: true, databaseType: 'PostgresDB', databaseVersion: '18.0', databaseIsExternal: false })],
    ['/v1/alerts', (params) => ({ alerts: alertList(params) })],
    ['/v1/alertscount', (params) => ({ count: found(params.get('query') ?? '').length })],
    ['/v1/alerts/summary/counts', (params) => ({ groups: alertGroups(params) })],
    ['/v1/alerts/:id', (_params, id) => alertDetail(id)],
    ['/api/alerts/:id/explanation', (_params, id) => { const alert = alerts.find((item) => item.id === id); return alert && explanationOf(alert); }],
    ['/v1/policycategories', () => ({ categories })],
    ['/v1/mitreattackvectors', () => ({ mitreAttackVectors })],
    ['/v1/notifiers', () => ({ notifiers: [{ id: 'n1', name: 'Team channel', type: 'slack' }] })],
    ['/v1/signatureintegrations', () => ({ integrations: [{ id: 'io.stackrox.signatureintegration.00000000-0000-4000-a000-000000000001', name: 'Release key' }] })],
    ['/v1/deploymentswithprocessinfo', (params) => ({ deployments: risks(params) })],
    ['/v1/deploymentscount', (params) => ({ count: riskRows(params).length })],
    ['/v1/deploymentswithrisk/:id', (_params, id) => ofDeployment(id, (deployment) => ({ deployment: deploymentAnswer(id), risk: riskOf(deployment) }))],
    ['/v1/processes/deployment/:id/grouped/container', (_params, id) => ofDeployment(id, (deployment) => ({ groups: processesOf(deployment) }))],
    ['/v1/processbaselines/key', (params) => baseline(params)],
    ['/api/ui/risk/deployments/:id/timeline', (_params, id) => ofDeployment(id, timelineOf)],
    ['/api/risk/timeline/export/csv', () => 'Event Timestamp,Event Type\n'],
    ['/v1/policies', () => ({ policies })],
    ['/v1/policies/:id', (_params, id) => policies.find((policy) => policy.id === id)],
    ['/v1/clusters', (params) => ({ clusters: clusters.filter(({ name }) => matches(query(params), 'Cluster', name)).map(clusterAnswer), clusterIdToRetentionInfo: {} })],
    ['/v1/clusters/:id', (_params, id) => { const cluster = clusters.find((item) => item.id === id); return cluster && { cluster: clusterAnswer(cluster), clusterRetentionInfo: null }; }],
    ['/v1/sac/clusters', () => ({ clusters })],
    ['/v1/namespaces', () => ({ namespaces: namespaces.map((metadata) => ({ metadata, numDeployments: 1, numSecrets: 0, numNetworkPolicies: 0 })) })],
    ['/v1/deployments/:id', (_params, id) => deploymentAnswer(id)],
    ['/v1/search/autocomplete', () => ({ values: ['payment-1', 'production', 'shop'] })],
    ['/api/ui/dashboard', (params) => dashboard(query(params))],
    ['/api/ui/vulnerabilities/counts', (params) => ({ cves: cveRows(query(params)).length, images: imageRows(query(params)).length, deployments: deploymentRows(query(params)).length })],
    ['/api/ui/vulnerabilities/cves', (params) => paged(cveRows(query(params)), params)],
    ['/api/ui/vulnerabilities/cves/:id', (params, id) => cveDetail(id, query(params))],
    ['/api/ui/vulnerabilities/images', (params) => paged(imageRows(query(params)), params)],
    ['/api/ui/vulnerabilities/images/:id', (params, id) => imageDetail(id, query(params))],
    ['/api/ui/vulnerabilities/images/:id/cves', (params, id) => { const rows = imageCves(id, query(params)); return rows && paged(rows, params); }],
    ['/api/ui/vulnerabilities/deployments', (params) => paged(deploymentRows(query(params)), params)],
];
