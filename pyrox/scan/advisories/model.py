"""One model for every feed: an advisory's text, and the rows that say which versions it hits.

Parsers make these, the Matcher stores rows and texts in two tables and joins packages with
the rows; nothing here knows SQL. A row's range is half open over byte keys:
`lo <= key < hi`. An inclusive upper bound is the least key above it, no upper bound is
`HIGHEST`, no lower bound is the empty string, so a row never holds a null.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from pyrox.scan.model import Kind

HIGHEST: Final = b"\xff"
"""Above every key: no scheme makes a key that begins with this byte."""


class Severity(IntEnum):
    """Normalised severity; numbers are those of `scanner.v4.VulnerabilityReport`."""

    UNSPECIFIED = 0
    LOW = 1
    MODERATE = 2
    IMPORTANT = 3
    CRITICAL = 4


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of an advisory in the name space of `space`."""

    space: str
    name: str


@dataclass(frozen=True, slots=True)
class Advisory:
    """The text of one advisory of one source; one per (source, key).

    `source` is upstream's updater name (`debian/updater`, `osv/pypi` …), `name` the raw
    name from which the shown id is taken, `links` are separated by spaces, `severity` is
    the source's own word or CVSS vector.
    """

    source: str
    key: str
    name: str
    description: str = ""
    issued: datetime | None = None
    links: str = ""
    severity: str = ""
    normalized: Severity = Severity.UNSPECIFIED
    aliases: tuple[Alias, ...] = ()
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class AdvisoryRow:
    """One interval of versions of one package that an advisory hits.

    `advisory` is `Advisory.key`. When `fallback` is true a bound has no byte key: `lo` and
    `hi` then span everything, and `introduced`, `fixed_in` and `last_affected` (raw texts)
    decide by the exact comparator. `not_affected` rows state that the package is *not*
    vulnerable. `arch` is empty or a regular expression that the package's must match
    whole; `module` is empty or must be equal; `cpe` is the repository's CPE or empty.
    """

    namespace: str
    package: str
    kind: Kind
    scheme: str
    lo: bytes
    hi: bytes
    advisory: str
    introduced: str = ""
    fixed_in: str = ""
    last_affected: str = ""
    fallback: bool = False
    not_affected: bool = False
    arch: str = ""
    module: str = ""
    cpe: str = ""


@dataclass(frozen=True, slots=True)
class ParsedAdvisory:
    """An advisory with all its rows (there may be none: it then hits nothing)."""

    advisory: Advisory
    rows: tuple[AdvisoryRow, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A document, or a part of one, that was left out; `reason` is a stable short text."""

    document: str
    reason: str


Item = ParsedAdvisory | Skipped


@dataclass(frozen=True, slots=True)
class Feed:
    """What is loaded for a namespace: the source's name, and as of when it is."""

    source: str
    as_of: datetime | None = None
