// What the user may read, and so which pages exist for them.
import { useQuery } from '@tanstack/react-query';

import { queries } from '@/api/queries';
import type { Permissions } from '@/api/rest';

export function mayRead(permissions: Permissions | undefined, resource: string): boolean {
    const access = permissions?.resourceToAccess[resource];
    return access === 'READ_ACCESS' || access === 'READ_WRITE_ACCESS';
}

export function mayWrite(permissions: Permissions | undefined, resource: string): boolean {
    return permissions?.resourceToAccess[resource] === 'READ_WRITE_ACCESS';
}

export function usePermissions(): { read: (resource: string) => boolean; write: (resource: string) => boolean } {
    const { data } = useQuery(queries.permissions());
    return { read: (resource) => mayRead(data, resource), write: (resource) => mayWrite(data, resource) };
}
