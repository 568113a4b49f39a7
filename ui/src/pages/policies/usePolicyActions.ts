// What can be done with policies that exist: export them, delete them, judge everything again, change who is told.
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { errorText } from '@/api/client';
import { policyChanges } from '@/api/policies';
import { notify } from '@/components/Toasts';
import { fileName, saveFile } from '@/lib/download';
import { plural } from '@/lib/format';

type Named = readonly { id: string; name: string }[];

const many = (policies: Named) => (policies.length === 1 ? `Policy "${policies[0]?.name}"` : plural(policies.length, 'policy', 'policies'));

/** A read-only policy is a default, or is kept by something else than the portal. */
export function isDeletable({ isDefault, source }: { isDefault: boolean; source: string }): boolean {
    return !isDefault && source !== 'DECLARATIVE';
}
export function isEditable({ source }: { source: string }): boolean {
    return source !== 'DECLARATIVE';
}

export function useExport() {
    return useMutation({
        mutationFn: (policies: Named) => policyChanges.exported(policies.map(({ id }) => id)),
        onSuccess: (exported, policies) => {
            const name = policies.length === 1 ? fileName(policies[0]?.name ?? '') : 'policies';
            saveFile(`${name}.json`, `${JSON.stringify({ policies: exported }, null, 4)}\n`, 'application/json');
            notify('success', `${many(policies)} exported`);
        },
        onError: (error) => notify('danger', `Could not export: ${errorText(error)}`),
    });
}

/** Only policies made here can become resources: defaults are everywhere, resources are some already. */
export function isSavable(policy: { isDefault: boolean; source: string }): boolean {
    return isDeletable(policy);
}

export function useSaveAsResources() {
    return useMutation({
        mutationFn: (policies: Named) => policyChanges.asResources(policies.map(({ id }) => id)),
        onSuccess: (content, policies) => {
            saveFile('security_policies.zip', content, 'application/zip');
            notify('success', `${many(policies)} saved as Custom Resources`);
        },
        onError: (error) => notify('danger', `Could not save: ${errorText(error)}`),
    });
}

export function useDelete(onDone: () => void) {
    const client = useQueryClient();
    return useMutation({
        // One after the other: each change is pushed to every Sensor.
        mutationFn: async (policies: Named) => {
            for (const { id } of policies) {
                await policyChanges.remove(id);
            }
        },
        onSuccess: (_answer, policies) => {
            notify('success', `${many(policies)} deleted`);
            onDone();
        },
        onError: (error) => notify('danger', `Could not delete: ${errorText(error)}`),
        onSettled: async () => {
            await client.invalidateQueries({ queryKey: ['policies'] });
            await client.invalidateQueries({ queryKey: ['alerts'] });
        },
    });
}

export function useReassess() {
    return useMutation({
        mutationFn: policyChanges.reassess,
        onSuccess: () => notify('success', 'All policies are being reassessed'),
        onError: (error) => notify('danger', `Could not reassess: ${errorText(error)}`),
    });
}

export interface Notification {
    policies: Named;
    notifierIds: readonly string[];
    disable: boolean;
}

export function useNotification(onDone: () => void) {
    const client = useQueryClient();
    return useMutation({
        mutationFn: async ({ policies, notifierIds, disable }: Notification) => {
            for (const { id } of policies) {
                await policyChanges.setNotifiers(id, notifierIds, disable);
            }
        },
        onSuccess: (_answer, { policies, disable }) => {
            notify('success', `Notification ${disable ? 'disabled' : 'enabled'} for ${plural(policies.length, 'policy', 'policies')}`);
            onDone();
        },
        onError: (error) => notify('danger', `Could not change the notification: ${errorText(error)}`),
        onSettled: () => client.invalidateQueries({ queryKey: ['policies'] }),
    });
}
