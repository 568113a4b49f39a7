import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';

import { ApiError } from '@/api/client';
import { ListTable } from '@/components/ListTable';

interface Row {
    id: string;
    name: string;
}
const COLUMNS = [{ title: 'Name', sortField: 'Policy', cell: ({ name }: Row) => name }];
const ROWS: Row[] = [
    { id: '1', name: 'first' },
    { id: '2', name: 'second' },
];
type Props = Partial<Parameters<typeof ListTable<Row>>[0]>;
const show = (props: Props) =>
    render(<ListTable<Row> label="Things" columns={COLUMNS} rows={ROWS} error={null} rowId={({ id }) => id} rowName={({ name }) => name} {...props} />);

describe('ListTable', () => {
    it('spins while there is no answer', () => {
        show({ rows: undefined });
        expect(screen.getByRole('progressbar', { name: 'Loading...' })).toBeTruthy();
    });
    it('shows the server message of an error', () => {
        show({ rows: undefined, error: new ApiError('bad query', 400) });
        expect(screen.getByText('bad query')).toBeTruthy();
    });
    it('keeps old rows when a refresh fails', () => {
        show({ error: new ApiError('bad query', 400) });
        expect(screen.getByText('first')).toBeTruthy();
    });
    it('offers to clear the filters when they hide everything', async () => {
        const onClearFilters = vi.fn();
        show({ rows: [], filtered: true, onClearFilters });
        expect(screen.getByText('No results were found with the applied filters.')).toBeTruthy();
        await userEvent.click(screen.getByRole('button', { name: 'Clear filters' }));
        expect(onClearFilters).toHaveBeenCalledOnce();
    });
    it('says that nothing is there', () => {
        show({ rows: [] });
        expect(screen.getByText('No results found')).toBeTruthy();
        expect(screen.queryByRole('button', { name: 'Clear filters' })).toBeNull();
    });
    it('sorts by the field of the column', async () => {
        const onSort = vi.fn();
        show({ sort: { field: 'Policy', direction: 'asc' }, onSort });
        await userEvent.click(screen.getByRole('button', { name: 'Name' }));
        expect(onSort).toHaveBeenCalledWith({ field: 'Policy', direction: 'desc' });
    });
    it('opens and closes the details of a row', async () => {
        show({ expanded: ({ name }) => `details of ${name}` });
        const [toggle] = screen.getAllByRole('button', { name: /Details/ });
        await userEvent.click(toggle as HTMLElement);
        expect(screen.getByText('details of first')).toBeTruthy();
        await userEvent.click(toggle as HTMLElement);
        expect(screen.queryByText('details of first')).toBeNull();
    });
    it('selects all rows that may be selected', async () => {
        const onSelect = vi.fn();
        show({ selected: new Set(), onSelect, selectable: ({ id }) => id === '2' });
        const [all] = within(screen.getByRole('grid')).getAllByRole('checkbox');
        await userEvent.click(all as HTMLElement);
        expect(onSelect).toHaveBeenCalledWith(new Set(['2']));
    });
});
