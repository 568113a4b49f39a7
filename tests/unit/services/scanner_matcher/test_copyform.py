"""PostgreSQL's binary COPY form, byte for byte."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta, timezone

import pytest

from pyrox.scan.advisories.model import HIGHEST, Advisory, AdvisoryRow, Alias, Severity
from pyrox.scan.model import Kind
from services.scanner_matcher import copyform


def fields(raw: bytes, count: int) -> list[bytes | None]:
    """The fields of one tuple; all bytes must be used."""
    assert struct.unpack_from("!h", raw)[0] == count
    at, found = 2, list[bytes | None]()
    while at < len(raw):
        size = struct.unpack_from("!i", raw, at)[0]
        found.append(raw[at + 4 : at + 4 + size] if size >= 0 else None)
        at += 4 + max(size, 0)
    assert (at, len(found)) == (len(raw), count)
    return found


def row(**changes: object) -> AdvisoryRow:
    plain: dict[str, object] = {
        "namespace": "debian:12", "package": "openssl", "kind": Kind.SOURCE, "scheme": "dpkg",
        "lo": b"\x01", "hi": b"\x02", "advisory": "a",
    }  # fmt: skip
    return AdvisoryRow(**{**plain, **changes})  # type: ignore[arg-type]  # a test's changes


def ranges(made: AdvisoryRow) -> dict[str, bytes | None]:
    raw = copyform.range_tuple(9, copyform.range_fields(b"digest", made)[1])
    return dict(zip(copyform.RANGE_COLUMNS, fields(raw, 16), strict=True))


def texts(made: Advisory) -> dict[str, bytes | None]:
    return dict(
        zip(
            copyform.TEXT_COLUMNS, fields(copyform.text_tuple(9, copyform.text_fields(made)), 10), strict=True
        )
    )


def test_header_and_trailer_are_postgresqls() -> None:
    assert copyform.HEADER == b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"
    assert copyform.TRAILER == b"\xff\xff"


def test_range_has_its_columns_in_order() -> None:
    found = ranges(row(introduced="0", fixed_in="3", last_affected="2", arch="x", module="m", cpe="c"))
    assert found["advisory"] == struct.pack("!i", 9)
    assert (found["namespace"], found["package"], found["kind"]) == (b"debian:12", b"openssl", b"source")
    assert (found["lo"], found["hi"], found["scheme"]) == (b"\x01", b"\x02", b"dpkg")
    assert [found[name] for name in ("introduced", "fixed_in", "last_affected")] == [b"0", b"3", b"2"]
    assert [found[name] for name in ("arch", "module", "cpe")] == [b"x", b"m", b"c"]


@pytest.mark.parametrize("value", [False, True])
def test_range_flags_are_one_byte(*, value: bool) -> None:
    found = ranges(row(fallback=value, not_affected=not value))
    assert (found["fallback"], found["not_affected"]) == (bytes([value]), bytes([not value]))


def test_range_keys_too_long_for_an_index_fall_back_to_the_comparator() -> None:
    assert ranges(row(lo=b"x" * 900, hi=b"y" * 900))["fallback"] == b"\0"
    for long in (row(lo=b"x" * 2001), row(hi=b"y" * 2001), row(package="p" * 600)):
        found = ranges(long)
        assert (found["lo"], found["hi"], found["fallback"]) == (b"", HIGHEST, b"\x01")


@pytest.mark.parametrize(
    ("issued", "micros"),
    [
        (datetime(2000, 1, 1, tzinfo=UTC), 0),
        (datetime(2000, 1, 1, 0, 0, 1, 5, tzinfo=UTC), 1_000_005),
        (datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), -1_000_000),
        (datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None), 0),
        (datetime(2000, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), 0),
        (datetime(9999, 12, 31, tzinfo=UTC), 252_455_529_600_000_000),
    ],
)  # fmt: skip
def test_time_is_microseconds_since_2000(issued: datetime, micros: int) -> None:
    assert texts(Advisory(source="s", key="k", name="n", issued=issued))["issued"] == struct.pack(
        "!q", micros
    )


def test_text_without_a_time_or_aliases_is_null_and_an_empty_array() -> None:
    found = texts(Advisory(source="s", key="k", name="n"))
    assert found["issued"] is None
    assert found["aliases"] == struct.pack("!iii", 0, 0, 25)


def test_text_has_aliases_as_an_array_of_texts() -> None:
    aliases = (Alias("cve", "CVE-1"), Alias("", "x"))
    found = texts(
        Advisory(
            source="s", key="k", name="n", aliases=aliases, severity="high", normalized=Severity.IMPORTANT
        )
    )
    assert found["aliases"] == (
        struct.pack("!iiiii", 1, 0, 25, 2, 1)
        + struct.pack("!i", 9) + b"cve:CVE-1"
        + struct.pack("!i", 2) + b":x"
    )  # fmt: skip
    assert (found["updater"], found["severity"]) == (b"s", b"high")
    assert found["normalized"] == struct.pack("!h", int(Severity.IMPORTANT))


@pytest.mark.parametrize(
    ("text", "stored"),
    [("a\0b\0", b"ab"), ("\ud800x", b"?x"), ("日本", "日本".encode()), ("", b""), ("a\\N\tb", b"a\\N\tb")],
)
def test_text_that_postgresql_cannot_hold_is_made_storable(text: str, stored: bytes) -> None:
    assert texts(Advisory(source="s", key="k", name="n", description=text))["description"] == stored


def test_enrichment_keeps_its_bytes() -> None:
    raw = copyform.enrichment_tuple("nvd", "CVE-1", b"\0\xff")
    assert fields(raw, 3) == [b"nvd", b"CVE-1", b"\0\xff"]


def test_fingerprint_is_the_rows_and_its_texts_and_no_loads_own() -> None:
    def made(number: int, digest: bytes, **changes: object) -> bytes | None:
        raw = copyform.range_tuple(number, copyform.range_fields(digest, row(**changes))[1])
        return dict(zip(copyform.RANGE_COLUMNS, fields(raw, 16), strict=True))["fingerprint"]

    assert made(1, b"text") == made(2, b"text")
    others = [made(1, b"other"), made(1, b"text", fixed_in="2"), made(1, b"text", not_affected=True)]
    assert len({made(1, b"text"), *others}) == 4


def test_digest_tells_every_shown_field_apart() -> None:
    plain: dict[str, object] = {"source": "s", "key": "k", "name": "n"}
    changes: list[dict[str, object]] = [
        {}, {"source": "t"}, {"name": "m"}, {"description": "d"}, {"links": "l"}, {"severity": "high"},
        {"normalized": Severity.LOW}, {"issued": datetime(2026, 1, 1, tzinfo=UTC)},
        {"aliases": (Alias("a", "b"),)},
    ]  # fmt: skip
    made = [Advisory(**{**plain, **change}) for change in changes]  # type: ignore[arg-type]  # a test's changes
    assert len({copyform.text_digest(advisory) for advisory in made}) == len(changes)
    assert copyform.text_digest(made[0]) == copyform.text_digest(Advisory(source="s", key="other", name="n"))


def test_text_has_every_id_in_it() -> None:
    found = texts(Advisory(source="s", key="k", name="x", links="https://e.x/CVE-2026-0001"))
    assert b"CVE-2026-0001" in (found["ids"] or b"")


def test_rows_are_placed_as_in_the_index() -> None:
    placed = [
        copyform.range_fields(b"", row(namespace=namespace, package=package, hi=hi))[0]
        for namespace in ("a", "a:1")
        for package in ("b", "b-c")
        for hi in (b"\x01", b"\x01\x00", HIGHEST)
    ]
    assert placed == sorted(placed)
