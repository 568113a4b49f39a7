// The categories of policies: those that every installation has, and one's own.
import { Button, Form, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, TextInput } from '@patternfly/react-core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { errorText } from '@/api/client';
import { policyChanges, policyQueries } from '@/api/policies';
import type { PolicyCategory } from '@/api/rest';
import { Confirm } from '@/components/Confirm';
import type { Column } from '@/components/ListTable';
import { ListTable } from '@/components/ListTable';
import { notify } from '@/components/Toasts';
import { usePermissions } from '@/shell/permissions';

import { PolicyArea } from './PolicyArea';

const COLUMNS: readonly Column<PolicyCategory>[] = [
    { title: 'Category', width: 40, cell: ({ name }) => name },
    { title: 'Origin', cell: ({ isDefault }) => (isDefault ? 'System' : 'User') },
];

export default function CategoriesPage() {
    const result = useQuery(policyQueries.categories());
    const mayWrite = usePermissions().write('WorkflowAdministration');
    const [named, setNamed] = useState<PolicyCategory>();
    const [doomed, setDoomed] = useState<PolicyCategory>();
    const rows = result.data && [...result.data].sort((a, b) => a.name.localeCompare(b.name));
    const remove = useChange('deleted', (category: PolicyCategory) => policyChanges.removeCategory(category.id), () => setDoomed(undefined));
    return (
        <PolicyArea page="policy-categories" actions={mayWrite && <Button onClick={() => setNamed({ id: '', name: '', isDefault: false })}>Create category</Button>}>
            <ListTable
                label="Policy categories"
                columns={COLUMNS}
                rows={rows}
                error={result.error}
                rowId={({ id }) => id}
                rowName={({ name }) => name}
                actions={
                    mayWrite
                        ? (category) =>
                              category.isDefault
                                  ? []
                                  : [
                                        { title: 'Rename category', onClick: () => setNamed(category) },
                                        { title: 'Delete category', isDanger: true, onClick: () => setDoomed(category) },
                                    ]
                        : undefined
                }
            />
            {named !== undefined && <NameDialog category={named} onClose={() => setNamed(undefined)} />}
            {doomed !== undefined && (
                <Confirm title={`Delete category "${doomed.name}"?`} confirm="Delete" isDanger isLoading={remove.isPending} onConfirm={() => remove.mutate(doomed)} onClose={() => setDoomed(undefined)}>
                    Policies of this category keep their other categories.
                </Confirm>
            )}
        </PolicyArea>
    );
}

function useChange(done: string, change: (category: PolicyCategory) => Promise<unknown>, onDone: () => void) {
    const client = useQueryClient();
    return useMutation({
        mutationFn: change,
        onSuccess: async (_answer, { name }) => {
            notify('success', `Category "${name}" ${done}`);
            await client.invalidateQueries({ queryKey: ['policy-categories'] });
            await client.invalidateQueries({ queryKey: ['policies'] });
            onDone();
        },
        onError: (error) => notify('danger', `The category was not ${done}: ${errorText(error)}`),
    });
}

function NameDialog({ category, onClose }: { category: PolicyCategory; onClose: () => void }) {
    const [name, setName] = useState(category.name);
    const isNew = category.id === '';
    const save = useChange(
        isNew ? 'created' : 'renamed',
        ({ id, name: next }) => (isNew ? policyChanges.createCategory(next) : policyChanges.renameCategory(id, next)),
        onClose
    );
    const title = isNew ? 'Create category' : 'Rename category';
    const submit = () => save.mutate({ ...category, name: name.trim() });
    return (
        <Modal isOpen variant="small" aria-labelledby="category-title" onClose={onClose}>
            <ModalHeader title={title} labelId="category-title" />
            <ModalBody>
                <Form
                    id="category-form"
                    onSubmit={(event) => {
                        event.preventDefault();
                        submit();
                    }}
                >
                    <FormGroup label="Category name" fieldId="category-name" isRequired>
                        <TextInput id="category-name" isRequired maxLength={128} value={name} onChange={(_event, value) => setName(value)} />
                    </FormGroup>
                </Form>
            </ModalBody>
            <ModalFooter>
                <Button type="submit" form="category-form" isDisabled={name.trim() === '' || name.trim() === category.name || save.isPending} isLoading={save.isPending}>
                    {title}
                </Button>
                <Button variant="link" onClick={onClose}>
                    Cancel
                </Button>
            </ModalFooter>
        </Modal>
    );
}
