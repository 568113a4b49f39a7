// A menu of what can be done with the chosen rows.
import { Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import { useState } from 'react';

export interface BulkAction {
    title: string;
    /** How many of the chosen rows the action is for. */
    count: number;
    isDanger?: boolean;
    onClick: () => void;
}

export function BulkMenu({ title, actions, isDisabled = false }: { title: string; actions: readonly BulkAction[]; isDisabled?: boolean }) {
    const [open, setOpen] = useState(false);
    return (
        <Dropdown
            isOpen={open}
            onOpenChange={setOpen}
            onSelect={() => setOpen(false)}
            popperProps={{ appendTo: 'inline' }}
            toggle={(ref) => (
                <MenuToggle ref={ref} isExpanded={open} isDisabled={isDisabled} onClick={() => setOpen(!open)}>
                    {title}
                </MenuToggle>
            )}
        >
            <DropdownList>
                {actions.map(({ title: text, count, isDanger, onClick }) => (
                    <DropdownItem key={text} isDisabled={count === 0} isDanger={isDanger ?? false} onClick={onClick}>
                        {`${text} (${count})`}
                    </DropdownItem>
                ))}
            </DropdownList>
        </Dropdown>
    );
}
