// Types of the private /api/ui/* answers. The exact description is contract.json.

export type VulnerabilitySeverity =
    | 'CRITICAL_VULNERABILITY_SEVERITY'
    | 'IMPORTANT_VULNERABILITY_SEVERITY'
    | 'MODERATE_VULNERABILITY_SEVERITY'
    | 'LOW_VULNERABILITY_SEVERITY'
    | 'UNKNOWN_VULNERABILITY_SEVERITY';

export type Time = string | null;

export interface SeverityCounts {
    critical: number;
    important: number;
    moderate: number;
    low: number;
    unknown: number;
}

export interface FixableCounts {
    fixable: number;
    notFixable: number;
}

export interface Page<Row> {
    total: number;
    items: Row[];
}

export interface EntityCounts {
    cves: number;
    images: number;
    deployments: number;
}

export interface CveRow {
    cve: string;
    severityCounts: SeverityCounts;
    topCvss: number;
    topNvdCvss: number;
    epssProbability: number | null;
    knownExploit: boolean;
    fixable: boolean;
    imageCount: number;
    deploymentCount: number;
    firstDiscovered: Time;
    published: Time;
    summary: string;
}

export interface CveDistro {
    operatingSystem: string;
    severity: VulnerabilitySeverity;
    cvss: number;
    summary: string;
    link: string;
}

export interface CveDetail {
    cve: string;
    summary: string;
    link: string;
    published: Time;
    firstDiscovered: Time;
    topCvss: number;
    topNvdCvss: number;
    epssProbability: number | null;
    knownExploit: boolean;
    imageSeverityCounts: SeverityCounts;
    imageCount: number;
    deploymentCount: number;
    totalImages: number;
    distros: CveDistro[];
}

export interface ImageRow {
    id: string;
    digest: string;
    name: string;
    severityCounts: SeverityCounts;
    fixableCounts: FixableCounts;
    topCvss: number;
    operatingSystem: string;
    deploymentCount: number;
    created: Time;
    scanTime: Time;
    scanned: boolean;
    firstDiscovered: Time;
}

export interface ImageDetail {
    id: string;
    digest: string;
    name: string;
    otherNames: string[];
    operatingSystem: string;
    created: Time;
    scanTime: Time;
    scanned: boolean;
    notes: string[];
    dataSource: string;
    componentCount: number;
    deploymentCount: number;
    severityCounts: SeverityCounts;
    fixableCounts: FixableCounts;
}

export interface ImageComponent {
    name: string;
    version: string;
    fixedBy: string;
    advisory: string;
    advisoryLink: string;
    source: string;
    location: string;
    layerInstruction: string;
    layerValue: string;
    severity: VulnerabilitySeverity;
    cvss: number;
}

export interface ImageCve {
    cve: string;
    severity: VulnerabilitySeverity;
    fixable: boolean;
    cvss: number;
    nvdCvss: number;
    epssProbability: number | null;
    knownExploit: boolean;
    componentCount: number;
    components: ImageComponent[];
    firstDiscovered: Time;
    published: Time;
    summary: string;
    link: string;
}

export interface DeploymentRow {
    id: string;
    name: string;
    type: string;
    clusterId: string;
    clusterName: string;
    namespace: string;
    severityCounts: SeverityCounts;
    fixableCounts: FixableCounts;
    imageCount: number;
    firstDiscovered: Time;
}

export interface ImageAtRisk {
    id: string;
    name: string;
    priority: number;
    severityCounts: SeverityCounts;
    fixableSeverityCounts: SeverityCounts;
}

export interface DeploymentAtRisk {
    id: string;
    name: string;
    clusterName: string;
    namespace: string;
    priority: number;
}

export interface Dashboard {
    counts: {
        clusters: number | null;
        nodes: number | null;
        violations: number | null;
        deployments: number | null;
        images: number | null;
        secrets: number | null;
    };
    imagesAtMostRisk: ImageAtRisk[] | null;
    deploymentsAtMostRisk: DeploymentAtRisk[] | null;
    imageAges: { minDays: number; count: number }[] | null;
}

export type TimelineEventType = 'PolicyViolationEvent' | 'ProcessActivityEvent' | 'ContainerRestartEvent' | 'ContainerTerminationEvent';

export interface TimelineEvent {
    id: string;
    type: TimelineEventType;
    name: string;
    timestamp: string;
    args?: string;
    uid?: number;
    parentName?: string | null;
    parentUid?: number;
    inBaseline?: boolean;
    exitCode?: number;
    reason?: string;
}

export interface TimelineContainer {
    id: string;
    name: string;
    startTime: Time;
    events: TimelineEvent[];
}

export interface TimelinePod {
    id: string;
    name: string;
    startTime: Time;
    containerCount: number;
    containers: TimelineContainer[];
}

export interface Timeline {
    deploymentId: string;
    counts: { policyViolations: number; processActivities: number; restarts: number; terminations: number; pods: number };
    truncated: boolean;
    pods: TimelinePod[];
}
