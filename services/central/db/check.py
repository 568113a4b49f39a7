"""The start-up check that declared columns, messages and the database agree.

`app.py` runs it after the migrations and refuses to start on any difference, since a
wrong path or column would otherwise show up as wrong search results.
"""

from __future__ import annotations

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from pyrox.errors import RoxError
from pyrox.pg.pool import Database
from services.central.db.catalog import Catalog
from services.central.db.fields import Column, Kind

_COLUMNS = """
SELECT table_name, column_name,
       CASE WHEN data_type = 'ARRAY' THEN ltrim(udt_name, '_') ELSE data_type END AS type,
       data_type = 'ARRAY' AS is_array
FROM information_schema.columns WHERE table_schema = current_schema()
"""
# information_schema names the element of an array by its internal name.
_ARRAY_TYPES = {"text": "text[]", "int4": "integer[]"}
_SCALARS = {
    FieldDescriptor.CPPTYPE_STRING: {Kind.TEXT, Kind.UUID},
    FieldDescriptor.CPPTYPE_BOOL: {Kind.BOOL},
    FieldDescriptor.CPPTYPE_ENUM: {Kind.ENUM},
    FieldDescriptor.CPPTYPE_FLOAT: {Kind.FLOAT},
    FieldDescriptor.CPPTYPE_DOUBLE: {Kind.FLOAT},
    FieldDescriptor.CPPTYPE_INT32: {Kind.INT},
    FieldDescriptor.CPPTYPE_INT64: {Kind.INT},
    FieldDescriptor.CPPTYPE_UINT32: {Kind.INT},
    FieldDescriptor.CPPTYPE_UINT64: {Kind.INT},
}
_REPEATED = {FieldDescriptor.CPPTYPE_STRING: Kind.TEXTS, FieldDescriptor.CPPTYPE_ENUM: Kind.ENUMS}


class SchemaMismatch(RoxError):
    """Code and database, or code and messages, do not fit together."""


def _kinds(message: Descriptor, path: str) -> set[Kind]:
    """The column types that can hold the field; empty when there is no such field."""
    *above, last = path.split(".")
    for name in above:
        field = message.fields_by_name.get(name)
        if field is None or field.message_type is None or field.is_repeated:
            return set()
        message = field.message_type
    field = message.fields_by_name.get(last)
    if field is None:
        return set()
    if field.message_type is not None:
        if field.message_type.GetOptions().map_entry:
            return {Kind.MAP}
        return {Kind.TIME} if field.message_type.full_name == "google.protobuf.Timestamp" else set()
    if field.is_repeated:
        return {_REPEATED[field.cpp_type]} if field.cpp_type in _REPEATED else set()
    return _SCALARS.get(field.cpp_type, set())


def against_messages(catalog: Catalog) -> list[str]:
    """What does not fit the descriptors, one sentence each."""
    return [
        f"{relation}.{column.name}: {catalog.descriptor(relation).full_name} has no {column.path}"
        f" for {column.kind.value}"
        for relation in catalog.relations()
        for column in catalog.columns(relation)
        if column.path and column.kind not in _kinds(catalog.descriptor(relation), column.path)
    ]


def _needed(catalog: Catalog) -> dict[tuple[str, str], str]:
    """Table and column to type, as the declarations want them."""
    needed: dict[tuple[str, str], str] = {}
    for relation in catalog.relations():
        columns: tuple[Column, ...] = catalog.columns(relation)
        needed |= {(relation, column.name): column.kind.value for column in columns}
        table = catalog.owner(relation)
        if table.name == relation:
            names = ["content_hash", "serialized", *(["list_form"] if table.listed else [])]
            needed |= {(relation, name): "bytea" for name in names}
    return needed


async def against_database(catalog: Catalog, db: Database) -> list[str]:
    """What does not fit the database, one sentence each; columns unknown to us are fine."""
    found = {
        (row["table_name"], row["column_name"]): _ARRAY_TYPES.get(row["type"], row["type"])
        if row["is_array"]
        else row["type"]
        for row in await db.fetch(_COLUMNS)
    }
    return [
        f"{table}.{column}: wanted {kind}, the database has {found.get((table, column), 'nothing')}"
        for (table, column), kind in _needed(catalog).items()
        if found.get((table, column)) != kind
    ]


async def run(catalog: Catalog, db: Database) -> None:
    """Raise `SchemaMismatch` that lists every difference."""
    problems = against_messages(catalog) + await against_database(catalog, db)
    if problems:
        raise SchemaMismatch("the schema does not fit this program: " + "; ".join(problems))
