"""From messages to rows: extraction of columns and the statements that write them.

Only `ProtoStore` uses it. It must not know scopes or searches.
"""
# ruff: noqa: S608 - names come from the declared tables, every value is an argument

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.errors import Invalid
from pyrox.pg.pool import Database
from services.central.db.catalog import INDEX, PARENT_INDEX, PARENT_KEY
from services.central.db.fields import Child, Column, Kind, Table

M = TypeVar("M", bound=Message)
# PostgreSQL's bigint ends here; unsigned counters beyond it are kept at the end.
_MAX_INT = (1 << 63) - 1
SINGLETON = "singleton"
"""The key of tables whose message has none: they hold one row."""


def is_uuid(text: str) -> bool:
    """Whether the text can stand in a uuid column."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


@dataclass(slots=True)
class WriteRow:
    """One object ready to be written."""

    key: object
    values: tuple[object, ...]
    children: dict[str, list[tuple[object, ...]]] = field(default_factory=dict)

    @property
    def sort_key(self) -> str:
        """An order that all writers share, so that they cannot deadlock."""
        return str(self.key)


def _leaf(message: Any, names: Sequence[str]) -> Any:
    for name in names:
        message = getattr(message, name)
    return message


def _time(message: Any, names: Sequence[str]) -> object:
    owner = _leaf(message, names[:-1])
    if not owner.HasField(names[-1]):
        return None
    value: Timestamp = getattr(owner, names[-1])
    try:
        return value.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _text(value: str) -> str:
    # PostgreSQL's text cannot hold NUL; the serialized message keeps it.
    return value.replace("\0", "\ufffd") if "\0" in value else value


def _uuid(value: str) -> uuid.UUID | None:
    return uuid.UUID(value) if is_uuid(value) else None


_CONVERT: dict[Kind, Callable[[Any], object]] = {
    Kind.TEXT: _text,
    Kind.UUID: _uuid,
    Kind.INT: lambda value: min(value, _MAX_INT),
    Kind.TEXTS: lambda value: [_text(item) for item in value],
    Kind.ENUMS: list,
    Kind.MAP: lambda value: {_text(key): _text(item) for key, item in value.items()},
}


def extract(message: Any, column: Column) -> object:
    """The value of a column; None for unset times and for ids that are no UUID."""
    if not column.path:
        return SINGLETON
    names = column.path.split(".")
    if column.kind is Kind.TIME:
        return _time(message, names)
    convert = _CONVERT.get(column.kind)
    value = _leaf(message, names)
    if column.optional and not value:
        return None
    return convert(value) if convert else value


class Writer(Generic[M]):
    """Writes the messages of one table."""

    def __init__(self, table: Table[M], make_list_form: Callable[[M], Message] | None) -> None:
        self._table = table
        self._make_list_form = make_list_form
        self._upsert_sql = _upsert_sql(table)
        key = table.key
        self.delete_sql = f"DELETE FROM {table.name} WHERE {key.name} = ANY($1::{key.kind.value}[])"
        self._children = tuple(table.all_children())

    def rows(self, messages: Iterable[M]) -> list[WriteRow]:
        """Rows in key order, one per key, the last message of a key counting.

        Raises `Invalid` for a message whose key is empty or does not fit its type.
        """
        rows = {row.sort_key: row for row in map(self._row, messages)}
        return sorted(rows.values(), key=lambda row: row.sort_key)

    def _row(self, message: M) -> WriteRow:
        key = extract(message, self._table.key)
        if not key:
            name = message.DESCRIPTOR.name
            raise Invalid.because(
                f"{name} has no usable id: {_leaf(message, self._table.key.path.split('.'))!r}"
            )
        serialized = message.SerializeToString(deterministic=True)
        values = [extract(message, column) for column in self._table.columns]
        values += [hashlib.sha256(serialized).digest(), serialized]
        if self._make_list_form is not None:
            values.append(self._make_list_form(message).SerializeToString(deterministic=True))
        row = WriteRow(key, tuple(values))
        for child in self._table.children:
            _child_rows(row, message, child, ())
        return row

    async def write(self, db: Database, rows: Sequence[WriteRow]) -> list[str]:
        """Write rows in one transaction; the keys of those that are new or changed."""
        written = await db.fetchmany(self._upsert_sql, [row.values for row in rows])
        changed = {str(record[0]) for record in written}
        dirty = [row for row in rows if row.sort_key in changed]
        if dirty and self._children:
            await self._replace_children(db, dirty)
        return [row.sort_key for row in dirty]

    async def _replace_children(self, db: Database, dirty: Sequence[WriteRow]) -> None:
        cast = self._table.key.kind.value + "[]"
        keys = [row.key for row in dirty]
        for child in self._table.children:
            # Rows of grandchildren go with their parents (ON DELETE CASCADE).
            await db.execute(f"DELETE FROM {child.name} WHERE {PARENT_KEY} = ANY($1::{cast})", keys)
        for child in self._children:
            records = [record for row in dirty for record in row.children.get(child.name, ())]
            await db.copy_rows(child.name, _child_columns(self._table, child), records)


def _upsert_sql(table: Table[Any]) -> str:
    """Insert, or update when the content differs; gives the key when it wrote."""
    key = table.key.name
    names = [column.name for column in table.columns] + ["content_hash", "serialized"]
    names += ["list_form"] if table.listed else []
    places = ", ".join(f"${n}" for n in range(1, len(names) + 1))
    updates = ", ".join(f"{name} = excluded.{name}" for name in names if name != key)
    return (
        f"INSERT INTO {table.name} AS t ({', '.join(names)}) VALUES ({places})"
        f" ON CONFLICT ({key}) DO UPDATE SET {updates}"
        f" WHERE t.content_hash IS DISTINCT FROM excluded.content_hash RETURNING t.{key}"
    )


def _child_columns(table: Table[Any], child: Child) -> list[str]:
    nested = all(child is not direct for direct in table.children)
    own = [column.name for column in child.columns]
    return [PARENT_KEY, *([PARENT_INDEX] if nested else []), INDEX, *own]


def _child_rows(row: WriteRow, message: Any, child: Child, above: tuple[int, ...]) -> None:
    """Add the rows of one repeated field and of those inside its elements."""
    rows = row.children.setdefault(child.name, [])
    for index, element in enumerate(_leaf(message, child.path.split("."))):
        rows.append((row.key, *above, index, *(extract(element, column) for column in child.columns)))
        for grandchild in child.children:
            _child_rows(row, element, grandchild, (index,))
