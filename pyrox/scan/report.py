"""Assembles upstream's vulnerability report from an index report and what matched.

The Matcher calls `assemble` after its join. The rules are those of upstream's mappers
(pkg/scannerv4/mappers/mappers.go): shown names, order of CVSS sources, order and
deduplication of a package's vulnerabilities.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from pyrox.pb.internalapi.scanner.v4 import common_pb2
from pyrox.pb.internalapi.scanner.v4 import vulnerability_report_pb2 as pb
from pyrox.scan.advisories.enrichment import Enrichments
from pyrox.scan.advisories.model import Advisory
from pyrox.scan.fields import message, size
from pyrox.scan.matching import Hit, highest_fix
from pyrox.scan.protocols import VersionScheme
from pyrox.scan.rendering import Text, raw_of, show, text_of

_FIELDS: Final = pb.VulnerabilityReport.DESCRIPTOR.fields_by_name
# Keys of maps and the values of a StringList are field 1, values of maps are field 2.
_FIRST: Final = size(1 << 3 | 2)
_SECOND: Final = size(2 << 3 | 2)


def _tag(name: str) -> bytes:
    return size(_FIELDS[name].number << 3 | 2)


_HASH_ID: Final = _tag("hash_id")
_VULNERABILITIES: Final = _tag("vulnerabilities")
_AFFECTED: Final = _tag("package_vulnerabilities")
_NOT_AFFECTED: Final = _tag("package_not_vulnerable")
_CONTENTS: Final = _tag("contents")


@dataclass(slots=True)
class Found:
    """A package of a report that an advisory's row hits, as far as a report needs it.

    `keyed` is set when `hi` is the key of the fix; `reason` is a statement's that says that
    it is not so, and then `not_affected` is set too.
    """

    text: Text
    package_id: str
    scheme: str
    fixed_in: str
    hi: bytes
    keyed: bool
    not_affected: bool
    reason: str = ""

    @property
    def advisory(self) -> Advisory:
        """The advisory."""
        return self.text.advisory


@dataclass(frozen=True, slots=True)
class Matched:
    """What a report is made of, beside the contents.

    `hits` are what matched; those that are "not affected" go to their own map. `enrichments`
    are the records of the CVEs and advisories that the texts name, `schemes` version orders by
    name, for the highest fix of each package, `namespaces` those that a loaded feed covers.
    """

    hits: Sequence[Found]
    enrichments: Enrichments
    schemes: Mapping[str, VersionScheme]
    namespaces: Collection[str]


def assemble(
    *,
    hash_id: str,
    contents: common_pb2.Contents,
    hits: Sequence[Hit],
    enrichments: Enrichments,
    schemes: Mapping[str, VersionScheme],
    namespaces: Collection[str],
    partial: bool = False,
) -> pb.VulnerabilityReport:
    """The report as a message; arguments as those of `encode` and fields of `Matched`."""
    texts: dict[Advisory, Text] = {}
    found = [
        Found(
            texts.get(hit.advisory) or texts.setdefault(hit.advisory, text_of(raw_of(hit.advisory))),
            hit.package_id,
            hit.row.scheme,
            hit.row.fixed_in,
            hit.row.hi,
            keyed=not hit.row.fallback,
            not_affected=hit.row.not_affected,
        )
        for hit in hits
    ]
    matched = Matched(found, enrichments, schemes, namespaces)
    return pb.VulnerabilityReport.FromString(
        encode(hash_id=hash_id, contents=contents, matched=matched, partial=partial)
    )


def encode(*, hash_id: str, contents: common_pb2.Contents, matched: Matched, partial: bool = False) -> bytes:
    """The report as it goes over the wire.

    Args:
        hash_id: the image's id, copied.
        contents: the index report's contents, copied without the Indexer's own hints.
        matched: what is known of them.
        partial: whether the Indexer left a part of the image unread. Upstream's notes have no
            word for it; the unspecified one makes its Central mark the scan as partial.
    """
    ids = _Vulnerabilities(matched.enrichments)
    by_package: dict[str, list[Found]] = {}
    cleared: dict[str, list[Numbered]] = {}
    for found in matched.hits:
        if found.not_affected:
            cleared.setdefault(found.package_id, []).append(ids.of(found))
        else:
            by_package.setdefault(found.package_id, []).append(found)
    listed = {key: _ordered(map(ids.of, found)) for key, found in by_package.items()}
    fixes = {key: _fix(found, matched.schemes) for key, found in by_package.items()}
    rest = pb.VulnerabilityReport(notes=notes(contents, matched.namespaces))
    if partial:
        rest.notes.append(pb.VulnerabilityReport.NOTE_UNSPECIFIED)
    return b"".join(
        (
            message(_HASH_ID, hash_id.encode()) if hash_id else b"",
            *ids.entries,
            *_lists(_AFFECTED, listed),
            message(_CONTENTS, _finished(contents, fixes)),
            rest.SerializeToString(),
            *_lists(_NOT_AFFECTED, cleared),
        )
    )


Numbered = tuple[bytes, tuple[int, float]]
"""A vulnerability's number in the report, as field 1 of any message, and its rank."""


class _Vulnerabilities:
    """Puts each distinct vulnerability into the report once, under a number of its own."""

    def __init__(self, enrichments: Enrichments) -> None:
        self._enrichments = enrichments
        self._known: dict[tuple[str, bytes, str, bool], Numbered] = {}
        self.entries: list[bytes] = []

    def of(self, found: Found) -> Numbered:
        text = found.text
        # What upstream takes for the same: all that a reader of the report could tell apart.
        same = (text.raw[1], text.head, found.fixed_in, found.not_affected)
        known = self._known.get(same)
        if known is None:
            # The vulnerability's id is its field 1, as the key is the entry's.
            number = b"%d" % (len(self._known) + 1)
            field = _FIRST + bytes((len(number),)) + number
            data, rank = show(text, found.fixed_in, self._enrichments)
            value = size(len(field) + len(data))
            length = size(2 * len(field) + 1 + len(value) + len(data))
            self.entries += (_VULNERABILITIES, length, field, _SECOND, value, field, data)
            known = self._known[same] = (field, rank)
        return known


def _ordered(found: Iterable[Numbered]) -> list[Numbered]:
    """Each once, most severe first, then by base score; equal ones keep their order."""
    return sorted(dict.fromkeys(found), key=itemgetter(1))


def _lists(tag: bytes, lists: Mapping[str, Sequence[Numbered]]) -> Iterable[bytes]:
    """A map of packages to lists of vulnerabilities' numbers."""
    for package_id, found in lists.items():
        values = b"".join([field for field, _ in found])
        yield message(tag, message(_FIRST, package_id.encode()) + message(_SECOND, values))


def _fix(hits: Sequence[Found], schemes: Mapping[str, VersionScheme]) -> str:
    """The highest fix of a package's hits.

    A row that ends at its fix has that version's key as its upper bound, so keys are not
    made again; rows without keys are compared exactly with the best of the others.
    """
    keyed = [hit for hit in hits if hit.fixed_in and hit.keyed]
    best = max(keyed, key=lambda hit: hit.hi).fixed_in if keyed else ""
    others = {hit.fixed_in for hit in hits if hit.fixed_in and not hit.keyed}
    scheme = schemes.get(hits[0].scheme)
    return highest_fix((best, *sorted(others)), scheme) if others and scheme else best


def _finished(given: common_pb2.Contents, fixes: Mapping[str, str]) -> bytes:
    """Set each package's highest fix, drop the Indexer's hints, fill the deprecated list."""
    contents = common_pb2.Contents()
    contents.CopyFrom(given)
    packages = contents.packages
    if not packages:
        for package in contents.packagesDEPRECATED:
            packages[package.id].CopyFrom(package)
    del contents.packagesDEPRECATED[:]
    for key, package in packages.items():
        package.package_db = package.repository_hint = ""
        package.fixed_in_version = fixes.get(key, "")
    contents.packagesDEPRECATED.extend([packages[key] for key in sorted(packages)])
    return contents.SerializeToString()


def notes(
    contents: common_pb2.Contents, namespaces: Collection[str]
) -> list[pb.VulnerabilityReport.Note.ValueType]:
    """Unknown without exactly one distribution; unsupported when no loaded feed covers it."""
    systems = list(contents.distributions.values()) or list(contents.distributionsDEPRECATED)
    if len(systems) != 1:
        return [pb.VulnerabilityReport.NOTE_OS_UNKNOWN]
    system = systems[0]
    version = system.version_id or system.version
    forms = (system.did, f"{system.did}:{version}", f"{system.did}:v{version}")
    known = any(form in namespaces for form in forms)
    return [] if known else [pb.VulnerabilityReport.NOTE_OS_UNSUPPORTED]
