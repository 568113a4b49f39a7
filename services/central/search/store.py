"""Searches over all kinds of stored objects, each within what the caller may see of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pyrox.errors import Invalid
from pyrox.pb.api.v1.search_service_pb2 import SearchCategory
from pyrox.pb.storage.rbac_pb2 import SubjectKind
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import Scope
from services.central.alerts.store import OPEN_STATES, STATE
from services.central.db import search, tables
from services.central.db.catalog import AnyTable
from services.central.db.query import Query, Term, completion
from services.central.db.search import Page, Statement
from services.central.search.categories import GLOBAL, KINDS, Kind

Category: TypeAlias = SearchCategory.ValueType
ScopeOf = Callable[[str], Scope]
"""What the caller may read of a resource."""

# More results of one kind nobody reads; their number is still counted in full.
RESULT_LIMIT = 10_000
# Upstream central/search/service.
COMPLETION_LIMIT = 10
_PEOPLE = Query.match("Subject Kind", SubjectKind.Name(SubjectKind.USER), SubjectKind.Name(SubjectKind.GROUP))


@dataclass(frozen=True, slots=True)
class Result:
    """One object that was found."""

    category: Category
    id: str
    name: str
    location: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one category."""

    category: Category
    results: Sequence[Result]
    count: int


def known_everywhere(label: str) -> bool:
    """Whether any kind of object understands the label."""
    return any(tables.CATALOG.find(kind.table, label) is not None for kind in KINDS.values())


class SearchStore:
    """Global search. Every read takes the caller's scopes."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

    async def search(self, text: str, categories: Sequence[Category], scope_of: ScopeOf) -> list[Found]:
        """What each of the categories holds that matches. Raises `Invalid` for an empty query."""
        parsed = Query.parse(text)
        query = Query(tuple(term for term in parsed.terms if known_everywhere(term.label)))
        if not query.terms:
            raise Invalid.because("parser not configured to handle empty queries")
        return [await self._one(category, query, scope_of) for category in categories or GLOBAL]

    async def _one(self, category: Category, query: Query, scope_of: ScopeOf) -> Found:
        kind = _kind(category, "'{}'")
        narrowed = _narrowed(category, kind.table, query)
        if narrowed is None:
            return Found(category, (), 0)
        scope = scope_of(kind.resource)
        if category == SearchCategory.SUBJECTS:
            return await self._subjects(narrowed, scope)
        page = Page(limit=RESULT_LIMIT)
        names = (kind.table.key.name, kind.name, *kind.place)
        rows = await self._fetch(search.columns(tables.CATALOG, kind.table, names, narrowed, scope, page))
        results = [
            Result(category, row[0], row[1] or "", kind.location([value or "" for value in row[2:]]))
            for row in rows
        ]
        count = len(rows)
        if count == RESULT_LIMIT:
            counted = await self._fetch(search.count(tables.CATALOG, kind.table, narrowed, scope))
            count = int(counted[0][0])
        return Found(category, results, count)

    async def _subjects(self, query: Query, scope: Scope) -> Found:
        """Users and groups, each once, by name; they are named in bindings only."""
        statement = search.values(
            tables.CATALOG,
            tables.ROLE_BINDINGS,
            ["Subject"],
            query & _PEOPLE,
            scope,
            Page(limit=RESULT_LIMIT),
        )
        names = [str(row[0]) for row in await self._fetch(statement)]
        category = SearchCategory.SUBJECTS
        return Found(category, [Result(category, name, name, "") for name in names], len(names))

    async def complete(self, text: str, categories: Sequence[Category], scope_of: ScopeOf) -> list[str]:
        """Values that the last label of the text may have, at most ten."""
        query, term = completion(text)
        values: dict[str, None] = {}
        for category in categories or GLOBAL:
            kind = _kind(category, '"{}"')
            if len(values) >= COMPLETION_LIMIT or tables.CATALOG.find(kind.table, term.label) is None:
                continue
            narrowed = _narrowed(category, kind.table, query & Query((term,)))
            if narrowed is None:
                continue
            found = await self._complete(
                kind.table, term, narrowed.without(term.label), scope_of(kind.resource)
            )
            values |= dict.fromkeys(found)
        return list(values)[:COMPLETION_LIMIT]

    async def _complete(self, table: AnyTable, term: Term, query: Query, scope: Scope) -> list[str]:
        found = tables.CATALOG.find(table, term.label)
        if found is None:
            return []
        rows = await self._fetch(
            search.completions(tables.CATALOG, table, term, query, scope, COMPLETION_LIMIT)
        )
        enum = search.column_enum(tables.CATALOG, table, found)
        if enum is None:
            return [str(row[0]) for row in rows if row[0]]
        return [enum.values_by_number[row[0]].name for row in rows if row[0] in enum.values_by_number]

    async def _fetch(self, statement: Statement) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self._pool.fetch(statement.sql, *statement.args)]


def _kind(category: Category, quoted: str) -> Kind:
    kind = KINDS.get(category)
    if kind is None:
        known = category in SearchCategory.values()
        name = SearchCategory.Name(category) if known else str(category)
        raise Invalid.because(f"Search category {quoted.format(name)} is not implemented")
    return kind


def _narrowed(category: Category, table: AnyTable, query: Query) -> Query | None:
    """The terms that mean something for the category; None when none does.

    Alerts are looked at only for labels of their own, and resolved ones are left out
    unless the query asks for a state, as upstream does.
    """
    if not any(tables.CATALOG.find(table, term.label) is not None for term in query.terms):
        return None
    if category == SearchCategory.ALERTS and not query.mentions(STATE):
        return query & OPEN_STATES
    return query
