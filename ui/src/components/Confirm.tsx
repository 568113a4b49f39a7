// A question before something is done that cannot be undone.
import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useId } from 'react';

interface Props {
    title: string;
    confirm: string;
    isDanger?: boolean;
    isLoading?: boolean;
    onConfirm: () => void;
    onClose: () => void;
    children: ReactNode;
}

export function Confirm({ title, confirm, isDanger = false, isLoading = false, onConfirm, onClose, children }: Props) {
    const id = useId();
    return (
        <Modal isOpen variant="small" aria-labelledby={id} onClose={onClose}>
            <ModalHeader title={title} labelId={id} titleIconVariant={isDanger ? 'warning' : undefined} />
            <ModalBody tabIndex={0} aria-label={title}>
                {children}
            </ModalBody>
            <ModalFooter>
                <Button variant={isDanger ? 'danger' : 'primary'} isLoading={isLoading} isDisabled={isLoading} onClick={onConfirm}>
                    {confirm}
                </Button>
                <Button variant="link" onClick={onClose}>
                    Cancel
                </Button>
            </ModalFooter>
        </Modal>
    );
}
