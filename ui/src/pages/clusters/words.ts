// Words for a cluster's properties.
import type { Cluster } from '@/api/rest';
import { distance, sentence } from '@/lib/format';

const TYPES: Record<string, string> = {
    KUBERNETES_CLUSTER: 'Kubernetes',
    OPENSHIFT_CLUSTER: 'OpenShift 3.x',
    OPENSHIFT4_CLUSTER: 'OpenShift 4.x',
    GENERIC_CLUSTER: 'Generic',
};
export function typeText(type: string): string {
    return TYPES[type] ?? sentence(type);
}

export function providerText({ status }: Cluster): string {
    const provider = status?.providerMetadata;
    if (!provider) {
        return 'Not available';
    }
    const name = provider.google ? 'GCP' : provider.aws ? 'AWS' : provider.azure ? 'Azure' : 'Unknown provider';
    return provider.region === '' ? name : `${name} (${provider.region})`;
}

export function managerText(manager: string): string {
    switch (manager) {
        case 'MANAGER_TYPE_HELM_CHART':
            return 'Helm';
        case 'MANAGER_TYPE_KUBERNETES_OPERATOR':
            return 'Operator';
        case 'MANAGER_TYPE_MANUAL':
            return 'Manual';
        default:
            return 'Unknown';
    }
}

const COMPATIBILITY: Record<string, string> = {
    SENSOR_VERSION_COMPATIBILITY_MATCHED: 'Same version as Central',
    SENSOR_VERSION_COMPATIBILITY_COMPATIBLE_BEHIND: 'Older, compatible',
    SENSOR_VERSION_COMPATIBILITY_COMPATIBLE_AHEAD: 'Newer, compatible',
    SENSOR_VERSION_COMPATIBILITY_INCOMPATIBLE_BEHIND: 'Too old',
    SENSOR_VERSION_COMPATIBILITY_INCOMPATIBLE_AHEAD: 'Too new',
};
const UPGRADE: Record<string, string> = {
    UP_TO_DATE: 'Up to date',
    MANUAL_UPGRADE_REQUIRED: 'Manual upgrade required',
    AUTO_UPGRADE_POSSIBLE: 'Upgrade available',
    SENSOR_VERSION_HIGHER: 'Newer than Central',
};
export function sensorText({ status }: Cluster): string {
    const compatibility = COMPATIBILITY[status?.sensorVersionCompatibility ?? ''];
    return compatibility ?? UPGRADE[status?.upgradeStatus?.upgradability ?? ''] ?? 'Not applicable';
}

export function expiryText({ status }: Cluster, now: number): string {
    const expiry = status?.certExpiryStatus?.sensorCertExpiry;
    if (!expiry) {
        return 'Not available';
    }
    return Date.parse(expiry) < now ? `Expired ${distance(expiry, now)} ago` : `in ${distance(expiry, now)}`;
}

export function pods(ready: number | undefined, desired: number | undefined): string {
    return ready === undefined || desired === undefined ? 'Not available' : `${ready} of ${desired} ready`;
}
