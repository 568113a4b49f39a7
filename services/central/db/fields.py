"""The shape of stored messages: which proto paths are columns, and under which search label.

`tables_*.py` hold the facts, one line a column; `store.py` extracts by them, `search.py`
compiles by them, `check.py` compares them with descriptors and the database at start.
Nothing here knows SQL text beyond names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


class Kind(Enum):
    """The type of a column; the value is PostgreSQL's name of it."""

    TEXT = "text"
    UUID = "uuid"
    BOOL = "boolean"
    INT = "bigint"
    FLOAT = "double precision"
    TIME = "timestamp with time zone"
    ENUM = "integer"
    MAP = "jsonb"
    TEXTS = "text[]"
    ENUMS = "integer[]"


class Reach(Enum):
    """The level at which access scopes limit a resource (`api-roxctl` names: G, C, N)."""

    GLOBAL = "global"
    CLUSTER = "cluster"
    NAMESPACE = "namespace"


@dataclass(frozen=True, slots=True)
class Column:
    """One extracted column."""

    name: str
    path: str
    """Dotted proto path from the table's own message."""
    kind: Kind
    label: str = ""
    """Search label, or empty when the column only links tables."""
    hidden: bool = False
    """Searchable, and left out of the list of search options."""
    key: bool = False
    unique: bool = False
    optional: bool = False
    """A reference that may be missing: the empty text is stored as NULL."""


@dataclass(frozen=True, slots=True)
class Child:
    """A table with one row per element of a repeated message field."""

    name: str
    path: str
    """Dotted proto path from the parent's message to the repeated field."""
    columns: tuple[Column, ...]
    children: tuple[Child, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A reference between two tables: rows of `owner` name one row of `target`."""

    owner: str
    """`table.column`; a child table may own a link too."""
    target: str
    """`table.column`, the column being the key of its table."""


@dataclass(frozen=True, slots=True)
class Table(Generic[M]):
    """One stored message type."""

    name: str
    message: type[M]
    columns: tuple[Column, ...]
    children: tuple[Child, ...] = ()
    reach: Reach = Reach.GLOBAL
    cluster: str = ""
    """The column with the cluster's id, for cluster and namespace reach."""
    namespace: str = ""
    """The column with the namespace's name, for namespace reach."""
    scoped_by: str = ""
    """Instead of the two above: the reachable table whose visible rows make these visible."""
    reachable: tuple[str, ...] = ()
    """Other tables whose labels a search here may use."""
    listed: bool = False
    """Whether a second serialized list form is stored."""

    @property
    def key(self) -> Column:
        """The primary key."""
        return next(column for column in self.columns if column.key)

    def column(self, name: str) -> Column:
        """The column of that SQL name; `KeyError` when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    def all_children(self) -> Iterator[Child]:
        """All child tables, parents first."""
        waiting = list(self.children)
        while waiting:
            child = waiting.pop(0)
            yield child
            waiting.extend(child.children)
