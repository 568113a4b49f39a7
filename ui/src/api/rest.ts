// Types of the public /v1 answers, as far as the portal reads them. Central writes every field;
// unset messages are null.

export type Severity = 'UNSET_SEVERITY' | 'LOW_SEVERITY' | 'MEDIUM_SEVERITY' | 'HIGH_SEVERITY' | 'CRITICAL_SEVERITY';
export type Lifecycle = 'DEPLOY' | 'BUILD' | 'RUNTIME';
export type ViolationState = 'ACTIVE' | 'RESOLVED' | 'ATTEMPTED';
export type Time = string | null;

export interface ListAlert {
    id: string;
    lifecycleStage: Lifecycle;
    time: Time;
    policy: { id: string; name: string; severity: Severity; description: string; categories: string[] } | null;
    state: ViolationState;
    enforcementCount: number;
    enforcementAction: string;
    commonEntityInfo: { clusterName: string; namespace: string; clusterId: string; resourceType: string } | null;
    deployment?: { id: string; name: string; clusterName: string; namespace: string; deploymentType: string; inactive: boolean } | null;
    resource?: { name: string } | null;
    node?: { name: string } | null;
}

export interface KeyValue {
    key: string;
    value: string;
}

export interface Violation {
    message: string;
    keyValueAttrs?: { attrs: KeyValue[] } | null;
    networkFlowInfo?: {
        protocol: string;
        source: NetworkEntity | null;
        destination: NetworkEntity | null;
    } | null;
    type: string;
    time: Time;
}

export interface NetworkEntity {
    name: string;
    deploymentNamespace: string;
    deploymentType: string;
    port: number;
}

export interface ProcessIndicator {
    id: string;
    containerName: string;
    podId: string;
    signal: {
        containerId: string;
        time: Time;
        name: string;
        args: string;
        execFilePath: string;
        pid: number;
        uid: number;
        gid: number;
        lineageInfo: { parentUid: number; parentExecFilePath: string }[];
    } | null;
}

export interface ImageName {
    registry: string;
    remote: string;
    tag: string;
    fullName: string;
}

export interface Alert {
    id: string;
    policy: Policy | null;
    lifecycleStage: Lifecycle;
    clusterId: string;
    clusterName: string;
    namespace: string;
    deployment?: {
        id: string;
        name: string;
        type: string;
        namespace: string;
        clusterName: string;
        labels: Record<string, string>;
        annotations: Record<string, string>;
        containers: { name: string; image: { id: string; name: ImageName | null } | null }[];
        inactive: boolean;
    } | null;
    image?: { id: string; name: ImageName | null } | null;
    resource?: { resourceType: string; name: string; clusterName: string; namespace: string } | null;
    node?: { id: string; name: string; clusterName: string } | null;
    violations: Violation[];
    processViolation: { message: string; processes: ProcessIndicator[] } | null;
    enforcement: { action: string; message: string } | null;
    enforcementCount: number;
    time: Time;
    firstOccurred: Time;
    resolvedAt: Time;
    state: ViolationState;
}

export interface AlertGroup {
    group: string;
    counts: { severity: Severity; count: string | number }[];
}

export interface ListPolicy {
    id: string;
    name: string;
    description: string;
    severity: Severity;
    disabled: boolean;
    lifecycleStages: Lifecycle[];
    notifiers: string[];
    lastUpdated: Time;
    eventSource: string;
    isDefault: boolean;
    source: string;
}

export interface Scope {
    cluster: string;
    namespace: string;
    label: KeyValue | null;
    clusterLabel?: KeyValue | null;
    namespaceLabel?: KeyValue | null;
}

export interface PolicyGroup {
    fieldName: string;
    booleanOperator: 'OR' | 'AND';
    negate: boolean;
    values: { value: string }[];
}

export interface PolicySection {
    sectionName: string;
    policyGroups: PolicyGroup[];
}

export interface Exclusion {
    name: string;
    deployment: { name: string; scope: Scope | null } | null;
    image: { name: string } | null;
    expiration: Time;
}

export interface Policy extends ListPolicy {
    rationale: string;
    remediation: string;
    categories: string[];
    exclusions: Exclusion[];
    scope: Scope[];
    enforcementActions: string[];
    policySections: PolicySection[];
    mitreAttackVectors: { tactic: string; techniques: string[] }[];
    /** Set on default policies: the rules, or the attack vectors, stay as they are. */
    criteriaLocked: boolean;
    mitreVectorsLocked: boolean;
    policyVersion: string;
    evaluationFilter: { skipContainerTypes: string[] } | null;
}

export interface PolicyCategory {
    id: string;
    name: string;
    isDefault: boolean;
}

export interface MitreVector {
    tactic: { id: string; name: string; description: string } | null;
    techniques: { id: string; name: string; description: string }[];
}

export interface Notifier {
    id: string;
    name: string;
    type: string;
}

export interface DryRun {
    pending: boolean;
    result: { alerts: { deployment: string; violations: string[] }[] } | null;
}

export interface ImportError {
    message: string;
    type: string;
    duplicateName?: string;
    validationError?: string;
}

export interface ImportAnswer {
    responses: { succeeded: boolean; policy: Policy | null; errors: ImportError[] }[];
    allSucceeded: boolean;
}

export interface FromSearch {
    policy: Policy | null;
    alteredSearchTerms: string[];
    hasNestedFields: boolean;
}

export type BaselineState = 'INVALID' | 'NOT_GENERATED' | 'UNLOCKED' | 'LOCKED';

export interface BaselineStatus {
    containerName: string;
    baselineStatus: BaselineState;
    anomalousProcessesExecuted: boolean;
}

export interface DeploymentAtRisk {
    deployment: {
        id: string;
        name: string;
        cluster: string;
        clusterId: string;
        namespace: string;
        created: Time;
        priority: string | number;
    } | null;
    baselineStatuses: BaselineStatus[];
}

export interface RiskResult {
    name: string;
    score: number;
    factors: { message: string; url: string }[];
}

export interface DeploymentWithRisk {
    deployment: Deployment | null;
    risk: { id: string; score: number; results: RiskResult[] } | null;
}

export interface ProcessGroup {
    name: string;
    containerName: string;
    timesExecuted: number;
    groups: { args: string; signals: ProcessIndicator[] }[];
    suspicious: boolean;
}

export interface BaselineKey {
    deploymentId: string;
    containerName: string;
    clusterId: string;
    namespace: string;
}

export interface ProcessBaseline {
    id: string;
    key: BaselineKey | null;
    elements: { element: { processName?: string } | null; auto: boolean }[];
    created: Time;
    userLockedTimestamp: Time;
    stackRoxLockedTimestamp: Time;
    lastUpdate: Time;
}

export type Health = 'UNINITIALIZED' | 'UNAVAILABLE' | 'UNHEALTHY' | 'DEGRADED' | 'HEALTHY';

export interface Cluster {
    id: string;
    name: string;
    type: string;
    labels: Record<string, string>;
    mainImage: string;
    collectorImage: string;
    centralApiEndpoint: string;
    collectionMethod: string;
    admissionController: boolean;
    admissionControllerFailOnError: boolean;
    managedBy: string;
    status: {
        sensorVersion: string;
        providerMetadata: { region: string; google?: object | null; aws?: object | null; azure?: object | null } | null;
        orchestratorMetadata: { version: string; openshiftVersion?: string } | null;
        certExpiryStatus: { sensorCertExpiry: Time } | null;
        upgradeStatus: { upgradability: string; upgradabilityStatusReason: string } | null;
        sensorVersionCompatibility: string;
    } | null;
    dynamicConfig: {
        registryOverride: string;
        disableAuditLogs: boolean;
        admissionControllerConfig: {
            enabled: boolean;
            timeoutSeconds: number;
            scanInline: boolean;
            disableBypass: boolean;
            enforceOnUpdates: boolean;
        } | null;
        autoLockProcessBaselinesConfig: { enabled: boolean } | null;
    } | null;
    healthStatus: {
        sensorHealthStatus: Health;
        collectorHealthStatus: Health;
        overallHealthStatus: Health;
        admissionControlHealthStatus: Health;
        scannerHealthStatus: Health;
        lastContact: Time;
        collectorHealthInfo: { version: string; totalDesiredPods?: number; totalReadyPods?: number; statusErrors: string[] } | null;
        admissionControlHealthInfo: { totalDesiredPods?: number; totalReadyPods?: number; statusErrors: string[] } | null;
        scannerHealthInfo: { totalDesiredAnalyzerPods?: number; totalReadyAnalyzerPods?: number; statusErrors: string[] } | null;
    } | null;
}

export interface Port {
    name: string;
    containerPort: number;
    protocol: string;
    exposure: string;
}

export interface Deployment {
    id: string;
    name: string;
    type: string;
    namespace: string;
    replicas: string | number;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    created: Time;
    clusterId: string;
    clusterName: string;
    priority: string | number;
    serviceAccount: string;
    imagePullSecrets: string[];
    hostNetwork: boolean;
    hostPid: boolean;
    hostIpc: boolean;
    ports: Port[];
    containers: {
        name: string;
        image: { id: string; idV2: string; name: ImageName | null } | null;
        config: { command: string[]; args: string[]; user: string; env: { key: string; value: string; envVarSource: string }[] } | null;
        securityContext: { privileged: boolean; addCapabilities: string[]; dropCapabilities: string[]; readOnlyRootFilesystem: boolean } | null;
        volumes: { name: string; source: string; destination: string; readOnly: boolean; type: string }[];
        resources: { cpuCoresRequest: number; cpuCoresLimit: number; memoryMbRequest: number; memoryMbLimit: number } | null;
    }[];
}

export interface Namespace {
    metadata: { id: string; name: string; clusterId: string; clusterName: string } | null;
}

export interface Metadata {
    version: string;
    buildFlavor: string;
    releaseBuild: boolean;
}

export interface LoginProvider {
    id: string;
    name: string;
    type: string;
    loginUrl: string;
}

export type Access = 'NO_ACCESS' | 'READ_ACCESS' | 'READ_WRITE_ACCESS';

export interface Permissions {
    resourceToAccess: Record<string, Access>;
}

export interface AuthStatus {
    userId: string;
    expires: Time;
    userInfo: { username: string; friendlyName: string; roles: { name: string }[] } | null;
    userAttributes: { key: string; values: string[] }[];
}

export interface Banner {
    enabled: boolean;
    text: string;
    size: string;
    color: string;
    backgroundColor: string;
}

export interface PublicConfig {
    loginNotice: { enabled: boolean; text: string } | null;
    header: Banner | null;
    footer: Banner | null;
}

/** One value that a criterion met; linked ones lie on the objects that violate in the end. */
export interface Finding {
    path: string;
    value: string;
    matched: boolean;
    linked: boolean;
}

export interface CriterionFindings {
    criterion: string;
    negate: boolean;
    operator: string;
    values: string[];
    findings: Finding[];
    omitted: number;
}

export interface ViolationCause {
    subject: { kind: string; name: string };
    sectionIndex: number;
    section: string;
    objects: { path: string; container: string }[];
    omittedObjects: number;
    criteria: CriterionFindings[];
}

export interface ExplainedViolation {
    index: number;
    kind: 'VIOLATION' | 'PROCESS';
    type: string;
    message: string;
    reproduced: boolean;
    causes: ViolationCause[];
}

export interface ExplainedSection {
    section: string;
    matched: boolean;
    error: string;
    criteria: (CriterionFindings & { matched: boolean })[];
}

export interface Evaluation {
    subject: { kind: string; name: string };
    policyId: string;
    policyName: string;
    matched: boolean;
    sections: ExplainedSection[];
}

export interface AlertExplanation {
    alertId: string;
    policyId: string;
    policyName: string;
    lifecycleStage: Lifecycle;
    explainedAt: Time;
    basis: 'STORED' | 'ALERT';
    notes: string[];
    matched: boolean;
    totalViolations: number;
    violations: ExplainedViolation[];
    evaluations: Evaluation[];
    omittedEvaluations: number;
}
