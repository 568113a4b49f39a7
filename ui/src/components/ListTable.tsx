// A table whose rows come from Central: loading, error, empty and filtered-empty states, sorting, expandable rows.
import { MenuToggle } from '@patternfly/react-core';
import type { MenuToggleElement } from '@patternfly/react-core';
import EllipsisVIcon from '@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon';
import { ActionsColumn, ExpandableRowContent, Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { IAction } from '@patternfly/react-table';
import type { ReactNode, Ref } from 'react';
import { useState } from 'react';

import type { Sort } from '@/lib/useUrlState';

import { ErrorState, Loading, NoResults } from './States';

export interface Column<Row> {
    title: string;
    /** The field that Central sorts by; columns without it do not sort. */
    sortField?: string;
    /** Direction of the first click. */
    firstDirection?: 'asc' | 'desc';
    width?: 10 | 15 | 20 | 25 | 30 | 35 | 40;
    nowrap?: boolean;
    cell: (row: Row) => ReactNode;
}

interface Props<Row> {
    label: string;
    columns: readonly Column<Row>[];
    rows: readonly Row[] | undefined;
    rowId: (row: Row) => string;
    rowName: (row: Row) => string;
    error: unknown;
    busy?: boolean;
    filtered?: boolean;
    onClearFilters?: () => void;
    emptyText?: string;
    sort?: Sort;
    onSort?: (sort: Sort) => void;
    expanded?: (row: Row) => ReactNode;
    selected?: ReadonlySet<string>;
    onSelect?: (ids: ReadonlySet<string>) => void;
    selectable?: (row: Row) => boolean;
    actions?: (row: Row) => IAction[];
}

export function ListTable<Row>(props: Props<Row>) {
    const { label, columns, rows, expanded, selected, actions, busy } = props;
    const leading = (expanded === undefined ? 0 : 1) + (selected === undefined ? 0 : 1);
    const width = columns.length + leading + (actions === undefined ? 0 : 1);
    return (
        <div className="rox-table-scroll">
            <Table aria-label={label} variant="compact" isExpandable={expanded !== undefined} gridBreakPoint="">
                <Head {...props} />
                {rows === undefined || rows.length === 0 ? (
                    <Tbody aria-live="polite" aria-busy={rows === undefined && !props.error}>
                        <Tr>
                            <Td colSpan={width}>
                                <Substitute {...props} />
                            </Td>
                        </Tr>
                    </Tbody>
                ) : (
                    <Rows {...props} rows={rows} width={width} busy={busy ?? false} />
                )}
            </Table>
        </div>
    );
}

function Substitute<Row>({ rows, error, filtered, onClearFilters, emptyText }: Props<Row>) {
    if (rows === undefined) {
        return error ? <ErrorState error={error} /> : <Loading />;
    }
    return <NoResults filtered={filtered ?? false} onClear={onClearFilters} text={emptyText} />;
}

function Head<Row>({ columns, sort, onSort, expanded, selected, onSelect, rows, rowId, selectable, actions }: Props<Row>) {
    const active = columns.findIndex((column) => column.sortField !== undefined && column.sortField === sort?.field);
    const choosable = (rows ?? []).filter((row) => selectable?.(row) ?? true).map(rowId);
    return (
        <Thead>
            <Tr>
                {expanded !== undefined && <Th screenReaderText="Row expansion" />}
                {selected !== undefined && (
                    <Th
                        aria-label="Select all rows"
                        select={{
                            isSelected: choosable.length > 0 && choosable.every((id) => selected.has(id)),
                            isHeaderSelectDisabled: choosable.length === 0,
                            onSelect: (_event, isSelecting) => onSelect?.(new Set(isSelecting ? choosable : [])),
                        }}
                    />
                )}
                {columns.map((column, index) => (
                    <Th
                        key={column.title}
                        width={column.width}
                        modifier="wrap"
                        sort={
                            column.sortField === undefined || onSort === undefined
                                ? undefined
                                : {
                                      sortBy: {
                                          index: active < 0 ? undefined : active,
                                          direction: sort?.direction,
                                          defaultDirection: column.firstDirection ?? 'asc',
                                      },
                                      columnIndex: index,
                                      onSort: (_event, _index, direction) =>
                                          onSort({ field: column.sortField ?? '', direction }),
                                  }
                        }
                    >
                        {column.title}
                    </Th>
                ))}
                {actions !== undefined && <Th screenReaderText="Row actions" />}
            </Tr>
        </Thead>
    );
}

type RowsProps<Row> = Props<Row> & { rows: readonly Row[]; width: number; busy: boolean };

function Rows<Row>(props: RowsProps<Row>) {
    const { rows, rowId, expanded, busy } = props;
    const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
    const toggle = (id: string) => {
        const next = new Set(open);
        if (!next.delete(id)) {
            next.add(id);
        }
        setOpen(next);
    };
    if (expanded === undefined) {
        return (
            <Tbody aria-live="polite" aria-busy={busy}>
                {rows.map((row, index) => (
                    <Row key={rowId(row)} {...props} row={row} index={index} />
                ))}
            </Tbody>
        );
    }
    return rows.map((row, index) => {
        const id = rowId(row);
        const isOpen = open.has(id);
        return (
            <Tbody key={id} isExpanded={isOpen} aria-busy={busy}>
                <Row {...props} row={row} index={index} isOpen={isOpen} onToggle={() => toggle(id)} />
                {isOpen && (
                    <Tr isExpanded>
                        <Td colSpan={props.width} noPadding={false}>
                            <ExpandableRowContent>{expanded(row)}</ExpandableRowContent>
                        </Td>
                    </Tr>
                )}
            </Tbody>
        );
    });
}

/** Columns of text keep a readable width; the table scrolls instead. */
function widthClass(width: number | undefined): string | undefined {
    if (width === undefined || width < 20) {
        return undefined;
    }
    return width < 30 ? 'rox-middling' : 'rox-wide';
}

type RowProps<Row> = RowsProps<Row> & { row: Row; index: number; isOpen?: boolean; onToggle?: () => void };

function Row<Row>({ row, index, columns, rowId, rowName, isOpen, onToggle, selected, onSelect, selectable, actions }: RowProps<Row>) {
    const id = rowId(row);
    const name = rowName(row);
    const choose = (isSelecting: boolean) => {
        const next = new Set(selected);
        if (isSelecting) {
            next.add(id);
        } else {
            next.delete(id);
        }
        onSelect?.(next);
    };
    const items = actions?.(row) ?? [];
    return (
        <Tr>
            {onToggle !== undefined && (
                <Td
                    expand={{
                        rowIndex: index,
                        isExpanded: isOpen ?? false,
                        onToggle,
                        expandId: `expand-${id}-`,
                    }}
                />
            )}
            {selected !== undefined && (
                <Td
                    select={{
                        rowIndex: index,
                        isSelected: selected.has(id),
                        isDisabled: !(selectable?.(row) ?? true),
                        onSelect: (_event, isSelecting) => choose(isSelecting),
                    }}
                />
            )}
            {columns.map((column) => (
                <Td
                    key={column.title}
                    dataLabel={column.title}
                    modifier={column.nowrap ? 'nowrap' : undefined}
                    className={widthClass(column.width)}
                >
                    {column.cell(row)}
                </Td>
            ))}
            {actions !== undefined && (
                <Td isActionCell>{items.length > 0 && <Actions items={items} label={`Actions of ${name}`} />}</Td>
            )}
        </Tr>
    );
}

function Actions({ items, label }: { items: IAction[]; label: string }) {
    return (
        <ActionsColumn
            items={items}
            actionsToggle={({ onToggle, isOpen, isDisabled, toggleRef }) => (
                <MenuToggle
                    ref={toggleRef as Ref<MenuToggleElement>}
                    aria-label={label}
                    variant="plain"
                    icon={<EllipsisVIcon />}
                    isExpanded={isOpen}
                    isDisabled={isDisabled}
                    onClick={onToggle}
                />
            )}
        />
    );
}
