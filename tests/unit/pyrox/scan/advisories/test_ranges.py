"""Texts of bounds as rows of keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrox.scan.advisories.model import HIGHEST
from pyrox.scan.advisories.ranges import Bounds, Subject, note, points, row
from pyrox.scan.model import Kind
from pyrox.scan.versions.pep440 import PythonScheme
from pyrox.scan.versions.semver import Semver

SUBJECT = Subject("npm", "p", Kind.BINARY, Semver(), "A-1", arch="x86_64", module="m:1", cpe="cpe:/o")
KEY = Semver().key


@pytest.mark.parametrize(
    ("bounds", "lo", "hi"),
    [
        (Bounds(), b"", HIGHEST),
        (Bounds(introduced="1.0.0"), KEY("1.0.0"), HIGHEST),
        (Bounds(fixed="2.0.0"), b"", KEY("2.0.0")),
        (Bounds(introduced="1.0.0", limit="2.0.0"), KEY("1.0.0"), KEY("2.0.0")),
        (Bounds(introduced="1.0.0", fixed="2.0.0", limit="3.0.0"), KEY("1.0.0"), KEY("2.0.0")),
        (Bounds(introduced="1.0.0", last="1.0.0"), KEY("1.0.0"), KEY("1.0.0") + b"\x00"),
        (Bounds(last="1.0.0", fixed="2.0.0"), b"", KEY("2.0.0")),
    ],
)
def test_row_spans_the_keys_of_its_bounds(bounds: Bounds, lo: bytes, hi: bytes) -> None:
    made = row(SUBJECT, bounds)
    assert made is not None
    assert (made.lo, made.hi, made.fallback) == (lo, hi, False)
    assert (made.introduced, made.fixed_in, made.last_affected) == (
        bounds.introduced,
        bounds.fixed,
        bounds.last,
    )


def test_row_carries_its_subject() -> None:
    made = row(SUBJECT, Bounds(), not_affected=True)
    assert made is not None
    assert (made.namespace, made.package, made.kind, made.scheme, made.advisory) == (
        "npm",
        "p",
        Kind.BINARY,
        "semver",
        "A-1",
    )
    assert (made.arch, made.module, made.cpe, made.not_affected) == ("x86_64", "m:1", "cpe:/o", True)


@pytest.mark.parametrize(
    "bounds",
    [
        Bounds(introduced="2.0.0", fixed="2.0.0"),
        Bounds(introduced="2", fixed="1"),
        Bounds(introduced="2", last="1"),
    ],
)
def test_interval_that_is_empty_gives_no_row(bounds: Bounds) -> None:
    assert row(SUBJECT, bounds) is None


@pytest.mark.parametrize(
    "bounds",
    [Bounds(introduced="x"), Bounds(introduced="2", fixed="x"), Bounds(last="1.x"), Bounds(limit="?")],
)
def test_bound_without_a_key_spans_everything_and_falls_back(bounds: Bounds) -> None:
    made = row(SUBJECT, bounds)
    assert made is not None
    assert (made.lo, made.hi, made.fallback) == (b"", HIGHEST, True)


def test_points_are_the_versions_that_no_row_covers() -> None:
    covering = [row(SUBJECT, Bounds("1.0.0", fixed="2.0.0")), row(SUBJECT, Bounds("1.5.0", fixed="3.0.0"))]
    rows = [made for made in covering if made is not None]
    versions = ["0.9.0", "1.0.0", "1.9.9", "2.5.0", "3.0.0", "3", "v3.0", "no version", "0.9.0"]
    found = points(SUBJECT, versions, rows)
    assert [(made.introduced, made.last_affected) for made in found] == [
        ("0.9.0", "0.9.0"),
        ("3.0.0", "3.0.0"),
    ]
    assert all(made.lo < made.hi == made.lo + b"\x00" for made in found)


def test_points_beside_a_row_that_falls_back_are_kept() -> None:
    fallback = row(SUBJECT, Bounds(introduced="x"))
    assert fallback is not None
    assert [made.introduced for made in points(SUBJECT, ["1.0.0"], [fallback])] == ["1.0.0"]


def test_point_does_not_include_local_versions() -> None:
    scheme = PythonScheme()
    (made,) = points(replace(SUBJECT, scheme=scheme), ["1.0"], [])
    assert made.lo <= scheme.key("1.0") < made.hi <= scheme.key("1.0+cu118")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=8),
    st.lists(st.integers(0, 20), max_size=10),
)
def test_points_agree_with_asking_every_row(intervals: list[tuple[int, int]], versions: list[int]) -> None:
    made = [row(SUBJECT, Bounds(f"1.{lo}.0", fixed=f"1.{hi}.0")) for lo, hi in intervals]
    rows = [item for item in made if item is not None]
    texts = [f"1.{version}.0" for version in versions]
    expected = [
        text for text in dict.fromkeys(texts) if not any(item.lo <= KEY(text) < item.hi for item in rows)
    ]
    assert [item.introduced for item in points(SUBJECT, texts, rows)] == expected


def test_points_of_many_versions_beside_many_rows_end() -> None:
    # Asking every row for every version would be four hundred million comparisons.
    made = [row(SUBJECT, Bounds(f"1.{i}.0", fixed=f"1.{i}.5")) for i in range(20_000)]
    rows = [item for item in made if item is not None]
    found = points(SUBJECT, [f"1.{i}.7" for i in range(20_000)], rows)
    assert len(found) == 20_000


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (Bounds(introduced="1.0.0", fixed="2.0.0"), ""),
        (Bounds(fixed="words"), "bound that is no version: 'words'"),
        (Bounds(introduced="1.0.0", last="words"), "bound that is no version: 'words'"),
        (Bounds(introduced="words", limit="2.0.0"), "bound that is no version: 'words'"),
    ],
)
def test_bound_without_a_place_is_named(bounds: Bounds, said: str) -> None:
    made = row(SUBJECT, bounds)
    assert made is not None
    assert note(made, SUBJECT.scheme) == said


def test_limit_without_a_key_still_ends_the_range() -> None:
    made = row(SUBJECT, Bounds(introduced="words", limit="2.0.0"))
    assert made is not None
    assert (made.fallback, made.fixed_in) == (True, "2.0.0")
