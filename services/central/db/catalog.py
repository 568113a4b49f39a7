"""All tables and links as one graph, and the answer to: where does this label live?

Built once from `tables.py`; `search.py` walks the paths it returns. It must not know
values, scopes or SQL text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor

from services.central.db.fields import Child, Column, Link, Table

# The columns that tie a child table to its parents, besides its own `idx`.
PARENT_KEY = "parent_id"
PARENT_INDEX = "parent_idx"
INDEX = "idx"

AnyTable = Table[Any]


def descend(message: Descriptor, path: str) -> Descriptor:
    """The message type at the end of a dotted path."""
    for name in path.split("."):
        below = message.fields_by_name[name].message_type
        if below is None:
            raise ValueError(f"{message.full_name}.{name} is no message")
        message = below
    return message


@dataclass(frozen=True, slots=True)
class Edge:
    """One step from a relation to another: pairs of columns that must be equal."""

    source: str
    target: str
    pairs: tuple[tuple[str, str], ...]
    many: bool
    """Whether one row of the source may meet several of the target."""


@dataclass(frozen=True, slots=True)
class Found:
    """A label: the steps from the searched table to its column."""

    path: tuple[Edge, ...]
    column: Column


class Catalog:
    """The graph of all tables of one database."""

    def __init__(self, tables: Iterable[AnyTable], links: Iterable[Link]) -> None:
        self.tables: dict[str, AnyTable] = {}
        self._owners: dict[str, str] = {}
        self._columns: dict[str, tuple[Column, ...]] = {}
        self._descriptors: dict[str, Descriptor] = {}
        self._edges: dict[str, list[Edge]] = {}
        self._labels: dict[str, dict[str, Found]] = {}
        for table in tables:
            self.tables[table.name] = table
            self._add(table.name, table.name, table.columns, table.message.DESCRIPTOR)
            self._add_children(table, table.name, table.key.name, table.children)
        for link in links:
            owner, owner_column = link.owner.split(".")
            target, target_column = link.target.split(".")
            self._connect(owner, target, ((owner_column, target_column),), many=False)

    def _add(self, relation: str, owner: str, columns: tuple[Column, ...], message: Descriptor) -> None:
        if relation in self._owners:
            raise ValueError(f"relation {relation} is declared twice")
        self._owners[relation] = owner
        self._columns[relation] = columns
        self._descriptors[relation] = message
        self._edges[relation] = []

    def _add_children(self, table: AnyTable, parent: str, key: str, children: tuple[Child, ...]) -> None:
        for child in children:
            message = descend(self._descriptors[parent], child.path)
            self._add(child.name, table.name, child.columns, message)
            nested = parent != table.name
            pairs = ((PARENT_KEY, PARENT_KEY), (PARENT_INDEX, INDEX)) if nested else ((PARENT_KEY, key),)
            self._connect(child.name, parent, pairs, many=False)
            self._add_children(table, child.name, key, child.children)

    def _connect(self, source: str, target: str, pairs: tuple[tuple[str, str], ...], *, many: bool) -> None:
        self._edges[source].append(Edge(source, target, pairs, many))
        back = tuple((there, here) for here, there in pairs)
        self._edges[target].append(Edge(target, source, back, many=True))

    def owner(self, relation: str) -> AnyTable:
        """The table that a relation (a table or a child table) belongs to."""
        return self.tables[self._owners[relation]]

    def columns(self, relation: str) -> tuple[Column, ...]:
        """The declared columns of a relation."""
        return self._columns[relation]

    def descriptor(self, relation: str) -> Descriptor:
        """The message that one row of the relation stands for."""
        return self._descriptors[relation]

    def relations(self) -> Iterator[str]:
        """The names of all tables and child tables."""
        return iter(self._owners)

    def _walk(self, table: AnyTable, allowed: Iterable[str]) -> Iterator[tuple[str, tuple[Edge, ...]]]:
        """All relations within reach, nearest first, each with its shortest path."""
        permitted = {table.name, *allowed}
        seen = {table.name}
        waiting: deque[tuple[str, tuple[Edge, ...]]] = deque([(table.name, ())])
        while waiting:
            relation, path = waiting.popleft()
            yield relation, path
            for edge in self._edges[relation]:
                if edge.target not in seen and self._owners[edge.target] in permitted:
                    seen.add(edge.target)
                    waiting.append((edge.target, (*path, edge)))

    def labels(self, table: AnyTable) -> dict[str, Found]:
        """Every label that a search of the table understands, by its lower-case form."""
        known = self._labels.get(table.name)
        if known is None:
            known = self._labels[table.name] = {}
            for relation, path in self._walk(table, table.reachable):
                for column in self._columns[relation]:
                    if column.label:
                        known.setdefault(column.label.lower(), Found(path, column))
        return known

    def find(self, table: AnyTable, label: str) -> Found | None:
        """Where the label lives, seen from the table; None when it is unknown there."""
        return self.labels(table).get(label.lower())

    def options(self, table: AnyTable) -> list[str]:
        """The labels that search offers to people, sorted."""
        return sorted(
            {found.column.label for found in self.labels(table).values() if not found.column.hidden}
        )

    def own_options(self, *tables: AnyTable) -> list[str]:
        """The labels of these tables alone, without what is within their reach."""
        return sorted(
            {
                column.label
                for relation, columns in self._columns.items()
                if self.owner(relation) in tables
                for column in columns
                if column.label and not column.hidden
            }
        )

    def path(self, table: AnyTable, target: str) -> tuple[Edge, ...]:
        """The shortest way to another table through tables within reach.

        Raises `ValueError` when there is none: the declaration of the table is wrong.
        """
        for relation, path in self._walk(table, (*table.reachable, target)):
            if relation == target:
                return path
        raise ValueError(f"{table.name} has no way to {target}")
