"""Values against columns: the SQL and the arguments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from pyrox.errors import Invalid
from pyrox.pb.storage.policy_pb2 import Severity
from services.central.db.conditions import Arguments, condition, like_prefix
from services.central.db.fields import Column, Kind
from services.central.db.query import Value

ID = "00000000-0000-0000-0000-000000000001"
ENUM = Severity.DESCRIPTOR
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def sql_of(kind: Kind, raw: str) -> tuple[str, list[object]]:
    args = Arguments()
    sql = condition(Column("c", "c", kind, "Label"), "c", Value.parse(raw), ENUM, args)
    return sql, args.values


CASES = {
    "prefix": (Kind.TEXT, "a%_\\b", "c ILIKE $1::text", ["a\\%\\_\\\\b%"]),
    "exact": (Kind.TEXT, '"A"', "c = $1::text", ["A"]),
    "regex": (Kind.TEXT, "r/a.*", "c ~* $1::text", ["a.*"]),
    "negated": (Kind.TEXT, '!"A"', "(c = $1::text) IS NOT TRUE", ["A"]),
    "null text": (Kind.TEXT, "-", "(c IS NULL OR c = '')", []),
    "any text": (Kind.TEXT, "*", "NOT ((c IS NULL OR c = ''))", []),
    "whole id": (Kind.UUID, ID, "c = $1::uuid", [UUID(ID)]),
    "part of an id": (Kind.UUID, "0000", "c::text ILIKE $1::text", ["0000%"]),
    "exact no id": (Kind.UUID, '"zzz"', "FALSE", []),
    "boolean": (Kind.BOOL, "T", "c = $1::boolean", [True]),
    "integer": (Kind.INT, ">=5", "c >= $1::double precision", [5.0]),
    "float": (Kind.FLOAT, "7.1", "c::real = $1::real", [7.1]),
    "range": (Kind.INT, "-1-5", "(c >= $1::double precision AND c <= $2::double precision)", [-1.0, 5.0]),
    "enum prefix": (Kind.ENUM, "high", "c = ANY($1::integer[])", [[3]]),
    "enum exact": (Kind.ENUM, '"HIGH"', "FALSE", []),
    "enum at least": (Kind.ENUM, ">=HIGH_SEVERITY", "c = ANY($1::integer[])", [[3, 4]]),
    "enum below": (Kind.ENUM, "<MEDIUM", "c = ANY($1::integer[])", [[0, 1]]),
    "enum regex": (Kind.ENUM, "r/^(low|med)", "c = ANY($1::integer[])", [[1, 2]]),
    "enum unknown": (Kind.ENUM, "nothing", "FALSE", []),
    "enum broken regex": (Kind.ENUM, "r/(", "FALSE", []),
    "list": (Kind.TEXTS, "a", "EXISTS (SELECT 1 FROM unnest(c) AS e(v) WHERE e.v ILIKE $1::text)", ["a%"]),
    "list none": (
        Kind.TEXTS,
        "!a",
        "NOT EXISTS (SELECT 1 FROM unnest(c) AS e(v) WHERE e.v ILIKE $1::text)",
        ["a%"],
    ),
    "list some not": (
        Kind.TEXTS,
        "!!a",
        "EXISTS (SELECT 1 FROM unnest(c) AS e(v) WHERE NOT (e.v ILIKE $1::text))",
        ["a%"],
    ),
    "map pair": (
        Kind.MAP,
        'app="web"',
        "EXISTS (SELECT 1 FROM jsonb_each_text(c) AS e(k, v) WHERE e.k ILIKE $1::text AND e.v = $2::text)",
        ["app%", "web"],
    ),
    "map exact pair": (
        Kind.MAP,
        '"app=web"',
        "EXISTS (SELECT 1 FROM jsonb_each_text(c) AS e(k, v) WHERE e.k = $1::text AND e.v = $2::text)",
        ["app", "web"],
    ),
    "map key only": (
        Kind.MAP,
        "app=",
        "EXISTS (SELECT 1 FROM jsonb_each_text(c) AS e(k, v) WHERE e.k ILIKE $1::text)",
        ["app%"],
    ),
    "older": (Kind.TIME, ">3d", "c < now() - $1::interval", [3 * DAY]),
    "between ages": (
        Kind.TIME,
        "7d-1d",
        "(c >= now() - $2::interval AND c <= now() - $1::interval)",
        [DAY, 7 * DAY],
    ),
    "day": (
        Kind.TIME,
        "02/03/2026",
        "(c >= $1::timestamptz AND c < $2::timestamptz)",
        [datetime(2026, 2, 3, tzinfo=UTC), datetime(2026, 2, 4, tzinfo=UTC)],
    ),
    "minute with zone": (
        Kind.TIME,
        "02/03/2026 1:30 PM +0200",
        "(c >= $1::timestamptz AND c < $2::timestamptz)",
        [datetime(2026, 2, 3, 11, 30, tzinfo=UTC), datetime(2026, 2, 3, 11, 31, tzinfo=UTC)],
    ),
    "after": (Kind.TIME, ">02/03/2026", "c > $1::timestamptz", [datetime(2026, 2, 3, tzinfo=UTC)]),
    "milliseconds": (
        Kind.TIME,
        "tr/0-1000",
        "(c >= $1::timestamptz AND c < $2::timestamptz)",
        [datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)],
    ),
}


@pytest.mark.parametrize(("kind", "raw", "sql", "args"), CASES.values(), ids=CASES)
def test_value_compiles_to(kind: Kind, raw: str, sql: str, args: list[object]) -> None:
    assert sql_of(kind, raw) == (sql, args)


BAD = [
    (Kind.BOOL, "perhaps"),
    (Kind.INT, "many"),
    (Kind.INT, ">"),
    (Kind.FLOAT, "1e300"),
    (Kind.TIME, "soon"),
    (Kind.TIME, "02/30/2026"),
    (Kind.TIME, "02/03/2026 13:00 PM"),
    (Kind.TIME, "tr/999999999999999-"),
    (Kind.TEXT, "a\0b"),
    (Kind.TEXT, "r/" + "a" * 2000),
]


@pytest.mark.parametrize(("kind", "raw"), BAD)
def test_value_that_cannot_be_read_is_invalid(kind: Kind, raw: str) -> None:
    with pytest.raises(Invalid):
        sql_of(kind, raw)


def test_like_prefix_takes_wildcards_literally() -> None:
    assert like_prefix("50%_") == "50\\%\\_%"
