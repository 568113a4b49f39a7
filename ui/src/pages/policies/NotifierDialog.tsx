// Which notifiers the chosen policies shall tell, or no longer tell.
import { Checkbox } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { policyQueries } from '@/api/policies';
import type { ListPolicy } from '@/api/rest';
import { Confirm } from '@/components/Confirm';
import { plural } from '@/lib/format';

import { useNotification } from './usePolicyActions';

interface Props {
    policies: readonly ListPolicy[];
    disable: boolean;
    onClose: () => void;
}

export function NotifierDialog({ policies, disable, onClose }: Props) {
    const { data = [] } = useQuery(policyQueries.notifiers());
    const [chosen, setChosen] = useState<readonly string[]>([]);
    const change = useNotification(onClose);
    const used = new Set(policies.flatMap(({ notifiers }) => notifiers));
    const known = data.map(({ id, name }) => [id, name] as const);
    const others = [...used].filter((id) => !known.some(([one]) => one === id)).map((id) => [id, id] as const);
    const offered = disable ? [...known, ...others].filter(([id]) => used.has(id)) : known;
    return (
        <Confirm
            title={disable ? 'Disable notification' : 'Enable notification'}
            confirm={disable ? 'Disable' : 'Enable'}
            isLoading={change.isPending}
            onConfirm={() => change.mutate({ policies, notifierIds: chosen, disable })}
            onClose={onClose}
        >
            <div className="rox-stack">
                <p>{`${plural(policies.length, 'policy', 'policies')} will ${disable ? 'no longer tell' : 'tell'} the notifiers that you choose.`}</p>
                {offered.map(([id, name]) => (
                    <Checkbox key={id} id={`notify-${id}`} label={name} isChecked={chosen.includes(id)} onChange={(_event, on) => setChosen(on ? [...chosen, id] : chosen.filter((one) => one !== id))} />
                ))}
            </div>
        </Confirm>
    );
}
