"""Bundles as COPY files."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from pyrox.errors import Invalid
from pyrox.scan.advisories.model import HIGHEST, Advisory, AdvisoryRow
from pyrox.scan.model import Kind
from services.scanner_matcher import bundle, copyform
from services.scanner_matcher.bundle import made_by, prepare
from services.scanner_matcher.enrich import collect
from tests.support.definitions import debian, lines, nvd, osv


def tuples(path: Path) -> list[list[bytes | None]]:
    """The fields of a binary COPY file."""
    raw = path.read_bytes()
    assert raw.startswith(copyform.HEADER)
    at, found = len(copyform.HEADER), []
    while (count := struct.unpack_from("!h", raw, at)[0]) != -1:
        at += 2
        fields: list[bytes | None] = []
        for _ in range(count):
            size = struct.unpack_from("!i", raw, at)[0]
            fields.append(raw[at + 4 : at + 4 + size] if size >= 0 else None)
            at += 4 + max(size, 0)
        found.append(fields)
    assert raw[at:] == copyform.TRAILER
    return found


def test_bundle_becomes_rows_and_each_text_once(tmp_path: Path) -> None:
    file = tmp_path / "x.json.zst"
    records = [
        debian("CVE-1", "a", "1"),
        debian("CVE-1", "b"),
        osv("GHSA-x", "pypi", "C_d", "introduced=1&fixed=2"),
    ]
    file.write_bytes(lines(records))
    done = prepare(str(file), str(tmp_path))
    assert (done.ranges, done.advisories, done.skipped, done.namespaces) == (3, 2, {}, ["debian:12", "pypi"])
    rows = tuples(done.ranges_file)
    assert [(row[1], row[2], row[8]) for row in rows] == [
        (b"debian:12", b"a", b"1"),
        (b"debian:12", b"b", b""),
        (b"pypi", b"c-d", b"2"),
    ]
    assert [row[0] for row in rows] == [struct.pack("!i", number) for number in (1, 1, 2)]
    assert rows[1][6] == HIGHEST
    assert [text[2] for text in tuples(done.texts_file)] == [b"CVE-1", b"GHSA-x"]


def test_records_left_out_are_counted_by_reason(tmp_path: Path) -> None:
    file = tmp_path / "x.json.zst"
    foreign = osv("GHSA-x", "elsewhere", "a", "fixed=1")
    enrichment: dict[str, object] = {
        "Updater": "nvd",
        "Kind": "enrichment",
        "Enrichment": {"tags": [], "enrichment": {}},
    }
    file.write_bytes(lines([debian("CVE-1", "a", "0"), foreign, enrichment, {"Kind": "vulnerability"}]))
    done = prepare(str(file), str(tmp_path))
    assert (done.ranges, done.enrichments) == (0, 0)
    assert sum(done.skipped.values()) == 4
    assert done.skipped["never affected"] == 1


@pytest.mark.parametrize("cut", [1, 5000, 0], ids=["last byte", "half", "other format"])
def test_bundle_that_is_damaged_is_an_error(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "x.json.zst"
    raw = lines([debian(f"CVE-{n}", "a") for n in range(5000)])
    file.write_bytes(raw[:-cut] if cut else b"PK\x03\x04" + raw)
    with pytest.raises(Invalid, match=r"bundle x\.json\.zst"):
        prepare(str(file), str(tmp_path))


def test_line_that_is_too_long_is_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "x.json.zst"
    long = debian("CVE-1", "a" * 17_000_000)
    file.write_bytes(
        lines([debian("CVE-0", "a"), long, debian("CVE-2", "a")]) + lines([debian("CVE-3", "a")])
    )
    done = prepare(str(file), str(tmp_path))
    assert (done.ranges, done.skipped) == (3, {"line too long": 1})


def test_enrichments_become_rows_by_cve(tmp_path: Path) -> None:
    file = tmp_path / "x.json.zst"
    file.write_bytes(lines([nvd("CVE-1", "text", "", 0.0), nvd("CVE-" + "1" * 300, "text", "", 0.0)]))
    done = prepare(str(file), str(tmp_path))
    assert (done.enrichments, sum(done.skipped.values())) == (1, 1)
    kind, key, data = tuples(done.enrichments_file)[0]
    assert (kind, key) == (b"nvd", b"CVE-1")
    assert collect([("nvd", "CVE-1", data or b"")]).nvd["CVE-1"].description == "text"


def test_row_too_long_for_an_index_is_left_to_the_comparator() -> None:
    row = AdvisoryRow("debian:12", "a" * 600, Kind.SOURCE, "dpkg", b"\x01", b"\x02", "x")
    short = AdvisoryRow("d", "a", Kind.SOURCE, "dpkg", b"\x01", b"\x02", "x")
    # The random bytes of a fingerprint end a tuple; what matters comes before.
    assert HIGHEST in copyform.range_fields(b"", row)[1][:-16]
    assert HIGHEST not in copyform.range_fields(b"", short)[1][:-16]


def test_text_loses_what_postgresql_cannot_hold() -> None:
    raw = copyform.text_fields(Advisory(source="s", key="k", name="a\0b", description="\ud800"))
    assert b"ab" in raw
    assert b"\0b" not in raw.split(b"ab")[1][:1]


def test_maker_names_every_order() -> None:
    assert "dpkg" in made_by()
    assert "pep440" in made_by()


def test_key_that_is_made_once_serves_every_row_and_a_refusal_falls_back_each_time(tmp_path: Path) -> None:
    file = tmp_path / "x.json.zst"
    records = [debian(f"CVE-{n}", "a", fixed) for n in range(3) for fixed in ("1:2-3", "not a version")]
    file.write_bytes(lines(records))
    rows = tuples(prepare(str(file), str(tmp_path)).ranges_file)
    assert len({row[6] for row in rows if row[8] == b"1:2-3"}) == 1
    assert sorted(row[10] or b"" for row in rows) == [b"\x00"] * 3 + [b"\x01"] * 3


def test_rows_and_their_texts_lie_in_the_order_of_the_index(tmp_path: Path) -> None:
    names = [f"p{number % 7}" for number in range(40)]
    file = tmp_path / "x.json.zst"
    file.write_bytes(lines([debian(f"CVE-{n}", name, f"{n % 5 + 1}.0") for n, name in enumerate(names)]))
    done = prepare(str(file), str(tmp_path))
    placed = [(row[1], row[2], row[6]) for row in tuples(done.ranges_file)]
    assert placed == sorted(placed)
    assert len(placed) == len(names)
    numbers = [row[0] for row in tuples(done.ranges_file)]
    assert list(dict.fromkeys(numbers)) == [row[0] for row in tuples(done.texts_file)]


def test_texts_of_rows_that_are_written_apart_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "_ORDERED_BYTES", 1000)
    file = tmp_path / "x.json.zst"
    file.write_bytes(lines([debian(f"CVE-{n // 10}", f"p{n % 3}", f"{n + 1}.0") for n in range(60)]))
    done = prepare(str(file), str(tmp_path))
    texts = {row[0]: row[2] for row in tuples(done.texts_file)}
    assert done.ranges == len(tuples(done.ranges_file)) == 60
    assert {row[0] for row in tuples(done.ranges_file)} == set(texts)
    assert set(texts.values()) == {f"CVE-{n}".encode() for n in range(6)}
