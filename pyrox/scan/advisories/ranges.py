"""Builds advisory rows: texts of bounds become byte keys, or the row falls back.

Every parser of advisories ends here, so that the rule "no key, then span everything and
compare exactly" stands in one place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pyrox.scan.advisories.model import HIGHEST, AdvisoryRow
from pyrox.scan.model import Kind
from pyrox.scan.protocols import VersionScheme
from pyrox.scan.versions import InvalidVersion


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose versions the rows speak of, and the advisory that they belong to."""

    namespace: str
    package: str
    kind: Kind
    scheme: VersionScheme
    advisory: str
    arch: str = ""
    module: str = ""
    cpe: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """One interval in texts; an empty one is open. `fixed` and `limit` exclude, `last` includes."""

    introduced: str = ""
    fixed: str = ""
    last: str = ""
    limit: str = ""


def row(subject: Subject, bounds: Bounds, *, not_affected: bool = False) -> AdvisoryRow | None:
    """The row of one interval; None when the interval is empty by its own bounds."""
    try:
        lo = subject.scheme.key(bounds.introduced) if bounds.introduced else b""
        if bounds.fixed or bounds.limit:
            hi = subject.scheme.key(bounds.fixed or bounds.limit)
        else:
            hi = subject.scheme.after(bounds.last) if bounds.last else HIGHEST
        fallback = False
    except InvalidVersion:
        lo, hi, fallback = b"", HIGHEST, True
    if lo >= hi:
        return None
    return AdvisoryRow(
        namespace=subject.namespace,
        package=subject.package,
        kind=subject.kind,
        scheme=subject.scheme.name,
        lo=lo,
        hi=hi,
        advisory=subject.advisory,
        introduced=bounds.introduced,
        # The comparator sees texts only, so a limit that has no key must stand where it looks.
        fixed_in=bounds.fixed or (bounds.limit if fallback else ""),
        last_affected=bounds.last,
        fallback=fallback,
        not_affected=not_affected,
        arch=subject.arch,
        module=subject.module,
        cpe=subject.cpe,
    )


def note(made: AdvisoryRow, scheme: VersionScheme) -> str:
    """What is to be said of a row whose bounds have no key; empty for all others."""
    if not made.fallback:
        return ""
    for bound in (made.introduced, made.fixed_in, made.last_affected):
        try:
            scheme.compare(bound or "0", bound or "0")
        except InvalidVersion:
            return f"bound that is no version: {bound[:64]!r}"
    return "version without a key, compared exactly"


def points(subject: Subject, versions: Iterable[str], rows: Iterable[AdvisoryRow]) -> list[AdvisoryRow]:
    """Rows for single versions that no given row covers; those without a key fall back.

    The bound is the key itself plus a zero byte: exactly this version, and not, say, its
    local versions.
    """
    starts, ends = _merged((r.lo, r.hi) for r in rows if not r.fallback)
    found: dict[bytes, AdvisoryRow] = {}
    for version in dict.fromkeys(versions):
        try:
            key = subject.scheme.key(version)
        except InvalidVersion:
            continue  # no package can be found equal to what is no version
        place = bisect_right(starts, key) - 1
        if key in found or (place >= 0 and key < ends[place]):
            continue
        made = row(subject, Bounds(introduced=version, last=version))
        if made is not None:
            found[key] = replace(made, hi=key + b"\x00")
    return list(found.values())


def _merged(intervals: Iterable[tuple[bytes, bytes]]) -> tuple[list[bytes], list[bytes]]:
    """Starts and ends of the same ground in intervals that do not touch, in order."""
    starts: list[bytes] = []
    ends: list[bytes] = []
    for lo, hi in sorted(intervals):
        if ends and lo <= ends[-1]:
            ends[-1] = max(ends[-1], hi)
        else:
            starts.append(lo)
            ends.append(hi)
    return starts, ends
