// Switching policies on and off.
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { errorText } from '@/api/client';
import { policyChanges } from '@/api/policies';
import { notify } from '@/components/Toasts';
import { plural } from '@/lib/format';

export interface Switch {
    policies: readonly { id: string; name: string }[];
    disabled: boolean;
}

export function useDisable() {
    const client = useQueryClient();
    return useMutation({
        // One after the other: each change is pushed to every Sensor.
        mutationFn: async ({ policies, disabled }: Switch) => {
            for (const { id } of policies) {
                await policyChanges.setDisabled(id, disabled);
            }
        },
        onSuccess: (_answer, { policies, disabled }) => {
            const what = policies.length === 1 ? `Policy "${policies[0]?.name}"` : plural(policies.length, 'policy', 'policies');
            notify('success', `${what} ${disabled ? 'disabled' : 'enabled'}`);
        },
        onError: (error) => notify('danger', `Could not change the policy: ${errorText(error)}`),
        onSettled: async () => {
            await client.invalidateQueries({ queryKey: ['policies'] });
            await client.invalidateQueries({ queryKey: ['alerts'] });
        },
    });
}
