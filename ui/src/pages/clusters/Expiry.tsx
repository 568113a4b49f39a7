// When the credentials of a cluster's Sensor end.
import type { Cluster } from '@/api/rest';
import { useNow } from '@/lib/useNow';

import { expiryText } from './words';

export function Expiry({ cluster }: { cluster: Cluster }) {
    return expiryText(cluster, useNow());
}
