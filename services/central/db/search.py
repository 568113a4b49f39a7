"""From query, scope and page to ONE SQL statement.

`ProtoStore` calls it; domain stores use its `Page` and `Sort`. The scope is a mandatory
argument of every function that reads: there is no way to search without one. Filters
in other tables become nested EXISTS along the catalogue's paths, and terms of one
label path meet the same row, as in an inner join.
"""
# ruff: noqa: S608 - names come from the declared tables, every value is an argument

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import EnumDescriptor

from pyrox.errors import Invalid
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.db.catalog import AnyTable, Catalog, Edge, Found
from services.central.db.conditions import NEVER, Arguments, condition, enum_of
from services.central.db.fields import Column, Kind, Reach
from services.central.db.query import Form, Query, Term

# A page without a limit of its own still has an end; walks are for more.
MAX_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key: a search label."""

    label: str
    reversed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the result, in which order; limit 0 means all."""

    limit: int = 0
    offset: int = 0
    sort: tuple[Sort, ...] = ()


NO_PAGE = Page()


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text and its arguments."""

    sql: str
    args: tuple[object, ...]


@dataclass(slots=True)
class _Node:
    """One relation in the tree of those that the statement needs."""

    relation: str
    alias: str
    edge: Edge | None = None
    joined: bool = False
    foreign: bool = False
    """Reached against a reference: its rows may belong to objects outside the scope."""
    conditions: list[str] = field(default_factory=list)
    children: dict[Edge, _Node] = field(default_factory=dict)


class Builder:
    """The tree of one statement and its arguments.

    Stores with statements of their own build FROM and WHERE of their parts with it, over
    one set of arguments, so that the scope is compiled here alone.
    """

    def __init__(
        self, catalog: Catalog, table: AnyTable, scope: Scope, args: Arguments | None = None
    ) -> None:
        self.catalog = catalog
        self.table = table
        self.scope = scope
        self.args = args if args is not None else Arguments()
        self._names = (f"t{n}" for n in itertools.count())
        self.root = _Node(table.name, next(self._names), joined=True)
        self._add_scope()

    def _add_scope(self) -> None:
        """Limit the root to what the scope shows."""
        if self.scope.unrestricted:
            return
        if self.scope.nothing:
            self.root.conditions.append(NEVER)
        elif self.table.scoped_by:
            owner = self.catalog.tables[self.table.scoped_by]
            branch = self.branch(self.catalog.path(self.table, owner.name))
            leaf = self.leaf(branch)
            if not leaf.foreign:
                leaf.conditions.append(scope_condition(owner, leaf.alias, self.scope, self.args))
            self.root.conditions.append(self.exists(branch))
        elif self.table.reach is not Reach.GLOBAL:
            self.root.conditions.append(scope_condition(self.table, self.root.alias, self.scope, self.args))

    def node(self, path: Sequence[Edge], *, joined: bool = False) -> _Node:
        """The node at the end of the path, made where it is missing."""
        node = self.root
        for edge in path:
            if edge not in node.children:
                node.children[edge] = self._new(edge, node)
            node = node.children[edge]
            node.joined = node.joined or joined
        return node

    def branch(self, path: Sequence[Edge]) -> _Node:
        """A chain of its own below the root, shared with no other term."""
        first = node = self._new(path[0], self.root)
        for edge in path[1:]:
            below = self._new(edge, node)
            node.children[edge] = below
            node = below
        return first

    @staticmethod
    def leaf(node: _Node) -> _Node:
        """The end of a chain."""
        while node.children:
            node = next(iter(node.children.values()))
        return node

    def _new(self, edge: Edge, parent: _Node) -> _Node:
        owner = self.catalog.owner(edge.target)
        crosses = edge.many and owner is not self.catalog.owner(edge.source)
        node = _Node(edge.target, next(self._names), edge, foreign=parent.foreign or crosses)
        limited = not (self.scope.unrestricted or self.scope.nothing)
        if node.foreign and limited and owner.name == edge.target and owner.cluster:
            node.conditions.append(scope_condition(owner, node.alias, self.scope, self.args))
        return node

    def exists(self, node: _Node, parent: _Node | None = None) -> str:
        """The EXISTS that stands for a node and all below it."""
        conditions = [_join(node, (parent or self.root).alias), *self.all_conditions(node)]
        return f"EXISTS (SELECT 1 FROM {node.relation} {node.alias} WHERE {' AND '.join(conditions)})"

    def all_conditions(self, node: _Node) -> list[str]:
        """A node's own conditions and those of the nodes below that are not joined."""
        below = [self.exists(child, node) for child in node.children.values() if not child.joined]
        return node.conditions + below

    def filter(self, query: Query) -> None:
        """Add all terms whose label is known here."""
        for term in query.terms:
            found = self.catalog.find(self.table, term.label)
            if found is not None:
                self._filter_term(found, term)

    def _filter_term(self, found: Found, term: Term) -> None:
        enum = column_enum(self.catalog, self.table, found)
        if found.path and term.values and all(v.form is Form.NULL and not v.negated for v in term.values):
            branch = self.branch(found.path)
            leaf = self.leaf(branch)
            absent = condition(
                found.column, f"{leaf.alias}.{found.column.name}", term.values[0], enum, self.args
            )
            leaf.conditions.append(f"NOT ({absent})")
            self.root.conditions.append(f"NOT {self.exists(branch)}")
            return
        node = self.node(found.path)
        sql = f"{node.alias}.{found.column.name}"
        node.conditions.append(self._any_value(found.column, sql, term, enum))

    def _any_value(self, column: Column, sql: str, term: Term, enum: EnumDescriptor | None) -> str:
        """One of the values matches; many exact texts become one array argument."""
        exact = [v for v in term.values if v.form is Form.EXACT and not v.negated]
        if len(exact) > 1 and column.kind in {Kind.TEXT, Kind.UUID}:
            texts = [v.text for v in exact if "\0" not in v.text]
            if column.kind is Kind.UUID:
                parts = [f"{sql} = ANY({self.args.add(valid_uuids(texts), 'uuid[]')})"]
            else:
                parts = [f"{sql} = ANY({self.args.add(texts, 'text[]')})"]
            rest = [v for v in term.values if v not in exact]
        else:
            parts, rest = [], list(term.values)
        parts += [condition(column, sql, value, enum, self.args) for value in rest]
        return f"({' OR '.join(parts)})" if parts else NEVER

    def source(self) -> str:
        """FROM and WHERE of the whole tree."""
        tables = [f"{self.root.relation} {self.root.alias}"]
        conditions = self.all_conditions(self.root)
        for parent, node in _joined(self.root):
            tables.append(f"JOIN {node.relation} {node.alias} ON {_join(node, parent.alias)}")
            conditions += self.all_conditions(node)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"FROM {' '.join(tables)}{where}"

    def order(self, page: Page) -> str:
        """ORDER BY of the page, ending with the key so that pages never overlap."""
        parts = [self._order_key(sort) for sort in page.sort]
        return f" ORDER BY {', '.join([*parts, f'{self.root.alias}.{self.table.key.name}'])}"

    def _order_key(self, sort: Sort) -> str:
        label, backwards = sort.label, sort.reversed
        # Priorities are ranks of the score: rank 1 is the highest score.
        if label.lower().endswith("risk priority"):
            label, backwards = label[: -len("priority")] + "Score", not backwards
        found = self.catalog.find(self.table, label)
        if found is None:
            raise Invalid.because(f"cannot sort by {sort.label[:100]!r}: no such field")
        direction = "DESC" if backwards else "ASC"
        if not found.path:
            return f"{self.root.alias}.{found.column.name} {direction} NULLS LAST"
        return f"({self._extreme(found, backwards=backwards)}) {direction} NULLS LAST"

    def _extreme(self, found: Found, *, backwards: bool) -> str:
        """The smallest (or largest) value that an object has behind a path."""
        branch = self.branch(found.path)
        leaf = self.leaf(branch)
        column = f"{leaf.alias}.{found.column.name}"
        if found.column.kind in {Kind.BOOL, Kind.UUID, Kind.MAP}:
            column += "::text"
        tables, conditions, parent, node = [], [], self.root, branch
        while True:
            tables.append(f"{node.relation} {node.alias}")
            conditions += [_join(node, parent.alias), *node.conditions]
            if node is leaf:
                break
            parent, node = node, next(iter(node.children.values()))
        largest = "max" if backwards else "min"
        return f"SELECT {largest}({column}) FROM {', '.join(tables)} WHERE {' AND '.join(conditions)}"

    def limit(self, page: Page) -> str:
        """LIMIT and OFFSET."""
        if page.limit < 0 or page.offset < 0:
            raise Invalid.because("limit and offset of a page must not be negative")
        sql = f" LIMIT {self.args.add(min(page.limit or MAX_ROWS, MAX_ROWS), 'bigint')}"
        return sql + (f" OFFSET {self.args.add(page.offset, 'bigint')}" if page.offset else "")

    def done(self, sql: str) -> Statement:
        """The statement with the arguments gathered so far."""
        return Statement(sql, tuple(self.args.values))


def _joined(node: _Node) -> Iterator[tuple[_Node, _Node]]:
    for child in node.children.values():
        if child.joined:
            yield node, child
            yield from _joined(child)


def _join(node: _Node, parent: str) -> str:
    if node.edge is None:
        raise ValueError("the root has no edge")
    return " AND ".join(f"{node.alias}.{there} = {parent}.{here}" for here, there in node.edge.pairs)


def valid_uuids(texts: Sequence[str]) -> list[uuid.UUID]:
    """Those of the texts that are UUIDs; the others can match no row."""
    found = []
    for text in texts:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return found


def scope_condition(table: AnyTable, alias: str, scope: Scope, args: Arguments) -> str:
    """SQL that is true for rows inside a limited scope."""
    kind = table.column(table.cluster).kind
    cast = "uuid" if kind is Kind.UUID else "text"
    clusters: list[Any] = valid_uuids(sorted(scope.clusters)) if cast == "uuid" else sorted(scope.clusters)
    parts = [f"{alias}.{table.cluster} = ANY({args.add(clusters, cast + '[]')})"]
    if table.reach is Reach.NAMESPACE and scope.namespaces:
        pairs: list[tuple[Any, str]] = [
            (cluster, name) for cluster, names in sorted(scope.namespaces.items()) for name in sorted(names)
        ]
        if cast == "uuid":
            pairs = [(ids[0], name) for cluster, name in pairs if (ids := valid_uuids([cluster]))]
        of_clusters = args.add([cluster for cluster, _ in pairs], cast + "[]")
        of_names = args.add([name for _, name in pairs], "text[]")
        place = f"({alias}.{table.cluster}, {alias}.{table.namespace})"
        parts.append(f"{place} IN (SELECT * FROM unnest({of_clusters}, {of_names}))")
    return f"({' OR '.join(parts)})"


def column_enum(catalog: Catalog, table: AnyTable, found: Found) -> EnumDescriptor | None:
    """The enum behind an enum column."""
    if found.column.kind not in {Kind.ENUM, Kind.ENUMS}:
        return None
    relation = found.path[-1].target if found.path else table.name
    return enum_of(catalog.descriptor(relation), found.column.path)


def select(
    catalog: Catalog, table: AnyTable, column: str, query: Query, scope: Scope, page: Page
) -> Statement:
    """One column of all objects that match, in order."""
    builder = Builder(catalog, table, scope)
    builder.filter(query)
    tail = builder.order(page) + builder.limit(page)
    return builder.done(f"SELECT {builder.root.alias}.{column} {builder.source()}{tail}")


def columns(
    catalog: Catalog, table: AnyTable, names: Sequence[str], query: Query, scope: Scope, page: Page
) -> Statement:
    """Some of the table's own columns of all objects that match, in order; ids come as text."""
    builder = Builder(catalog, table, scope)
    builder.filter(query)
    tail = builder.order(page) + builder.limit(page)
    casts = {column.name: "::text" for column in table.columns if column.kind is Kind.UUID}
    wanted = ", ".join(f"{builder.root.alias}.{name}{casts.get(name, '')}" for name in names)
    return builder.done(f"SELECT {wanted} {builder.source()}{tail}")


def completions(
    catalog: Catalog, table: AnyTable, term: Term, query: Query, scope: Scope, limit: int
) -> Statement:
    """Distinct values of the term's label that match the term, among the objects that match.

    Enum values come as numbers. Of lists and maps only the elements that match are given.
    """
    found = catalog.find(table, term.label)
    if found is None:
        raise Invalid.because(f"no such field: {term.label[:100]!r}")
    builder = Builder(catalog, table, scope)
    expressions, laterals = _selected(builder, [term.label])
    builder.filter(query)
    enum = column_enum(catalog, table, found)
    kind = Kind.ENUM if enum is not None else Kind.TEXT
    shown = expressions[0] if enum is not None else f"({expressions[0]})::text"
    one = Column(found.column.name, found.column.path, kind, found.column.label)
    tests = [condition(one, shown, value, enum, builder.args) for value in term.values]
    builder.root.conditions.append(f"({' OR '.join(tests)})")
    source = _with_laterals(builder.source(), laterals)
    return builder.done(
        f"SELECT DISTINCT {shown} AS value {source} ORDER BY 1{builder.limit(Page(limit=limit))}"
    )


def by_keys(catalog: Catalog, table: AnyTable, keys: Sequence[str], scope: Scope) -> Statement:
    """Key and serialized object of each of the keys that exists within the scope."""
    builder = Builder(catalog, table, scope)
    root, key = builder.root, table.key
    ids: list[Any] = valid_uuids(keys) if key.kind is Kind.UUID else list(keys)
    root.conditions.insert(
        0, f"{root.alias}.{key.name} = ANY({builder.args.add(ids, key.kind.value + '[]')})"
    )
    return builder.done(f"SELECT {root.alias}.{key.name}, {root.alias}.serialized {builder.source()}")


def lock_keys(catalog: Catalog, table: AnyTable, keys: Sequence[str]) -> Statement:
    """As `by_keys` for the whole table, and the rows stay locked until the transaction ends."""
    builder = Builder(catalog, table, EVERYTHING)
    found = by_keys(catalog, table, keys, EVERYTHING)
    # In key order, as all writers, so that they cannot deadlock.
    return Statement(f"{found.sql} ORDER BY 1 FOR UPDATE OF {builder.root.alias}", found.args)


def slice_after(
    catalog: Catalog, table: AnyTable, query: Query, scope: Scope, after: str | None, limit: int
) -> Statement:
    """Key and serialized object of the next so many objects behind a key."""
    builder = Builder(catalog, table, scope)
    builder.filter(query)
    root, key = builder.root, table.key
    if after is not None:
        last = uuid.UUID(after) if key.kind is Kind.UUID else after
        root.conditions.append(f"{root.alias}.{key.name} > {builder.args.add(last, key.kind.value)}")
    tail = builder.order(NO_PAGE) + builder.limit(Page(limit=limit))
    return builder.done(f"SELECT {root.alias}.{key.name}, {root.alias}.serialized {builder.source()}{tail}")


def count(catalog: Catalog, table: AnyTable, query: Query, scope: Scope) -> Statement:
    """The number of objects that match."""
    builder = Builder(catalog, table, scope)
    builder.filter(query)
    return builder.done(f"SELECT count(*) {builder.source()}")


def delete(catalog: Catalog, table: AnyTable, query: Query, scope: Scope) -> Statement:
    """Remove all objects that match; gives their keys."""
    builder = Builder(catalog, table, scope)
    builder.filter(query)
    root, key = builder.root, table.key.name
    return builder.done(f"DELETE {builder.source()} RETURNING {root.alias}.{key}")


def _selected(builder: Builder, labels: Sequence[str]) -> tuple[list[str], str]:
    """Expressions for the labels' values, and the laterals that unfold lists."""
    expressions, laterals = [], []
    for number, label in enumerate(labels):
        found = builder.catalog.find(builder.table, label)
        if found is None:
            raise Invalid.because(f"no such field: {label[:100]!r}")
        node = builder.node(found.path, joined=True)
        sql = f"{node.alias}.{found.column.name}"
        match found.column.kind:
            case Kind.TEXTS | Kind.ENUMS:
                laterals.append(f"CROSS JOIN LATERAL unnest({sql}) AS u{number}(v)")
                sql = f"u{number}.v"
            case Kind.MAP:
                laterals.append(f"CROSS JOIN LATERAL jsonb_each_text({sql}) AS u{number}(k, v)")
                sql = f"u{number}.k || '=' || u{number}.v"
            case Kind.UUID:
                sql = f"{sql}::text"
        expressions.append(sql)
    return expressions, " ".join(laterals)


def _with_laterals(source: str, laterals: str) -> str:
    if not laterals:
        return source
    head, where, tail = source.partition(" WHERE ")
    return f"{head} {laterals}{where}{tail}"


def values(
    catalog: Catalog, table: AnyTable, labels: Sequence[str], query: Query, scope: Scope, page: Page
) -> Statement:
    """Distinct rows of the labels' values, sorted by them."""
    builder = Builder(catalog, table, scope)
    expressions, laterals = _selected(builder, labels)
    builder.filter(query)
    source = _with_laterals(builder.source(), laterals)
    order = ", ".join(str(n) for n in range(1, len(expressions) + 1))
    sql = f"SELECT DISTINCT {', '.join(expressions)} {source} ORDER BY {order}{builder.limit(page)}"
    return builder.done(sql)


def group_count(
    catalog: Catalog, table: AnyTable, labels: Sequence[str], query: Query, scope: Scope
) -> Statement:
    """The labels' values and how many objects have them, sorted by the values."""
    builder = Builder(catalog, table, scope)
    expressions, laterals = _selected(builder, labels)
    builder.filter(query)
    source = _with_laterals(builder.source(), laterals)
    places = ", ".join(str(n) for n in range(1, len(expressions) + 1))
    counted = f"count(DISTINCT {builder.root.alias}.{table.key.name})"
    return builder.done(
        f"SELECT {', '.join(expressions)}, {counted} {source} GROUP BY {places} ORDER BY {places}"
    )
