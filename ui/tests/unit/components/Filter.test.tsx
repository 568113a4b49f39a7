import { QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { describe, expect, it, vi } from 'vitest';

import { createQueryClient } from '@/api/queries';
import { CompoundFilter, FilterChips } from '@/components/Filter';

const ENTITIES = [
    { label: 'Policy', attributes: [{ field: 'Policy', label: 'Name' }, { field: 'Severity', label: 'Severity', options: [{ value: 'HIGH_SEVERITY', label: 'High' }] }] },
    { label: 'Cluster', attributes: [{ field: 'Cluster', label: 'Name' }] },
];
const show = (children: ReactNode) => render(<QueryClientProvider client={createQueryClient()}>{children}</QueryClientProvider>);

describe('CompoundFilter', () => {
    it('adds the text that was typed', async () => {
        const onChange = vi.fn();
        show(<CompoundFilter entities={ENTITIES} filter={{ Cluster: ['c'] }} onChange={onChange} />);
        await userEvent.type(screen.getByRole('combobox', { name: 'Filter by Policy name' }), ' log4 {Enter}');
        expect(onChange).toHaveBeenCalledWith({ Cluster: ['c'], Policy: ['log4'] });
    });
    it('adds nothing for blanks', async () => {
        const onChange = vi.fn();
        show(<CompoundFilter entities={ENTITIES} filter={{}} onChange={onChange} />);
        await userEvent.type(screen.getByRole('combobox', { name: 'Filter by Policy name' }), '  {Enter}');
        expect(onChange).not.toHaveBeenCalled();
    });
    it('chooses from a closed set', async () => {
        const onChange = vi.fn();
        show(<CompoundFilter entities={ENTITIES} filter={{}} onChange={onChange} />);
        await userEvent.selectOptions(screen.getByLabelText('Filter attribute'), 'Severity');
        await userEvent.selectOptions(screen.getByLabelText('Filter by Policy severity'), 'High');
        expect(onChange).toHaveBeenCalledWith({ Severity: ['HIGH_SEVERITY'] });
    });
});

describe('FilterChips', () => {
    it('shows words, takes one value away, and clears all', async () => {
        const onChange = vi.fn();
        show(<FilterChips entities={ENTITIES} filter={{ Severity: ['HIGH_SEVERITY'], Unknown: ['x'] }} onChange={onChange} />);
        expect(screen.getByText('High')).toBeTruthy();
        await userEvent.click(screen.getByRole('button', { name: /Remove the filter Policy severity High/ }));
        expect(onChange).toHaveBeenLastCalledWith({ Unknown: ['x'] });
        await userEvent.click(screen.getByRole('button', { name: 'Clear filters' }));
        expect(onChange).toHaveBeenLastCalledWith({});
    });
    it('is not there without filters', () => {
        show(<FilterChips entities={ENTITIES} filter={{}} onChange={() => undefined} />);
        expect(screen.queryByRole('group', { name: 'Applied filters' })).toBeNull();
    });
});
