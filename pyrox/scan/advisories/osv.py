"""OSV documents to advisories and rows, for every ecosystem that publishes them.

An ecosystem makes an `OsvSource` with its own version order, namespace and name rule; the
meaning of ranges, events, versions and severities is the OSV schema's and stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import msgspec

from pyrox.scan import severity
from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Alias, Item, ParsedAdvisory, Severity, Skipped
from pyrox.scan.advisories.ranges import Bounds, Subject, note, points, row
from pyrox.scan.formats import unpack
from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.model import Kind
from pyrox.scan.protocols import VersionScheme
from pyrox.scan.versions import InvalidVersion, key_or_none

_PAGE: Final = "https://osv.dev/vulnerability/"
_MAX_AFFECTED: Final = 50_000
_MAX_VERSIONS: Final = 100_000
# Where a bound stands when versions are equal: what ends a range comes before what begins one.
_CLOSING, _OPENING, _LAST = 0, 1, 2


class _Event(msgspec.Struct):
    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class _Range(msgspec.Struct):
    type: str = ""
    events: list[_Event] = []


class _Package(msgspec.Struct):
    name: str = ""
    ecosystem: str = ""


class _Severity(msgspec.Struct):
    type: str = ""
    score: str = ""


class _Affected(msgspec.Struct):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    severity: list[_Severity] | None = None


class _Reference(msgspec.Struct):
    url: str = ""


class _Document(msgspec.Struct):
    id: str = ""
    modified: str = ""
    published: str = ""
    withdrawn: str | None = None
    aliases: list[str] | None = None
    summary: str = ""
    details: str = ""
    severity: list[_Severity] | None = None
    affected: list[_Affected] | None = None
    references: list[_Reference] | None = None
    database_specific: msgspec.Raw = msgspec.Raw(b"null")


class _Specific(msgspec.Struct):
    severity: str = ""


_DECODER: Final = msgspec.json.Decoder(_Document)
_SPECIFIC: Final = msgspec.json.Decoder(_Specific)


class OsvSource:
    """The documents of one OSV ecosystem.

    Args:
        ecosystem: its name in OSV, without a release (`PyPI`, `AlmaLinux`).
        scheme: its version order.
        namespace: the namespace for the ecosystem text of a document (`AlmaLinux:8`).
        normalise: the form of a package's name under which it is looked up.
    """

    def __init__(
        self,
        ecosystem: str,
        scheme: VersionScheme,
        *,
        namespace: Callable[[str], str],
        normalise: Callable[[str], str] = str,
    ) -> None:
        self.ecosystem = ecosystem
        self.name = f"osv/{ecosystem.lower()}"
        self._scheme = scheme
        self._namespace = namespace
        self._normalise = normalise

    def accepts(self, path: str) -> bool:
        """True for `osv/<ecosystem>/all.zip` and single documents beside it."""
        return path.startswith(f"osv/{self.ecosystem}/") and path.endswith((".zip", ".json"))

    def parse(self, path: str, data: bytes) -> Iterator[Item]:
        """Every document of the zip (or the one document); never raises on bad content."""
        if path.endswith(".json"):
            yield from self.document(path, data)
            return
        try:
            for name, content in unpack.documents(data):
                if isinstance(content, StreamDamage):
                    yield Skipped(name, content.kind.value)
                elif name.endswith(".json"):
                    yield from self.document(name, content)
                else:
                    yield Skipped(name, "not a JSON document")
        except StreamDamage as damage:
            yield Skipped(path, damage.detail)

    def document(self, name: str, content: bytes) -> Iterator[Item]:
        """One document: its advisory, and what of it was left out."""
        try:
            document = _DECODER.decode(content)
        except RecursionError:
            yield Skipped(name, "nested too deeply")
            return
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield Skipped(name, f"malformed: {error}"[:200])
            return
        reason = self._refusal(document)
        if reason:
            yield Skipped(document.id or name, reason)
            return
        skipped: list[Skipped] = []
        advisory = self._advisory(document)
        rows = []
        parts = document.affected or []
        if len(parts) > _MAX_AFFECTED:
            skipped.append(Skipped(document.id, f"more than {_MAX_AFFECTED} affected entries"))
        for affected in parts[:_MAX_AFFECTED]:
            rows += self._rows(document.id, affected, skipped)
        unique = dict.fromkeys(rows)
        if unique or not skipped:
            yield ParsedAdvisory(advisory, tuple(unique))
        yield from dict.fromkeys(skipped)

    @staticmethod
    def _refusal(document: _Document) -> str:
        if not document.id:
            return "no id"
        if document.withdrawn:
            return "withdrawn"
        return "" if document.affected else "nothing affected"

    def _advisory(self, document: _Document) -> Advisory:
        aliases = document.aliases or []
        links = [ref.url for ref in document.references or () if ref.url] + [
            _PAGE + alias for alias in aliases
        ]
        raw, normalized = self._severity(document)
        return Advisory(
            source=self.name,
            key=document.id,
            name=document.id,
            description=document.summary or document.details[:4096],
            issued=unpack.time(document.published),
            links=" ".join(links),
            severity=raw,
            normalized=normalized,
            aliases=tuple(Alias(*_space(alias)) for alias in dict.fromkeys(aliases) if alias),
            updated=unpack.time(document.modified),
        )

    @staticmethod
    def _severity(document: _Document) -> tuple[str, Severity]:
        """The last CVSS vector, of the document or else of what it affects; else the source's word."""
        affected = [s for part in document.affected or () for s in part.severity or ()]
        for entry in [*reversed(document.severity or []), *reversed(affected)]:
            found = severity.score(entry.score)
            if found is not None:
                return found.vector, severity.from_score(found.base)
        try:
            word = _SPECIFIC.decode(document.database_specific).severity
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            word = ""
        return word, severity.from_word(word)

    def _rows(self, advisory: str, affected: _Affected, skipped: list[Skipped]) -> list[AdvisoryRow]:
        package = affected.package
        if package is None or not package.name:
            skipped.append(Skipped(advisory, "affected entry without a package"))
            return []
        if package.ecosystem.partition(":")[0].lower() != self.ecosystem.lower():
            skipped.append(Skipped(advisory, f"affected entry of ecosystem {package.ecosystem[:64]!r}"))
            return []
        subject = Subject(
            self._namespace(package.ecosystem),
            self._normalise(package.name),
            Kind.BINARY,
            self._scheme,
            advisory,
        )
        versions = (affected.versions or [])[:_MAX_VERSIONS]
        if len(affected.versions or ()) > _MAX_VERSIONS:
            skipped.append(Skipped(advisory, f"more than {_MAX_VERSIONS} listed versions"))
        ranges = [r for r in affected.ranges or () if r.type in {"SEMVER", "ECOSYSTEM"}]
        if not ranges and not versions:
            skipped.append(Skipped(advisory, "only git ranges"))
            return []
        intervals = [bounds for found in ranges for bounds in self._intervals(found.events)]
        rows = [made for bounds in dict.fromkeys(intervals) if (made := row(subject, bounds))]
        skipped += [Skipped(advisory, said) for made in rows if (said := note(made, self._scheme))]
        odd = [version for version in versions if key_or_none(self._scheme, version) is None]
        if odd:
            skipped.append(Skipped(advisory, f"{len(odd)} listed versions without a place: {odd[0][:64]!r}"))
        return rows + points(subject, versions, rows)

    def _intervals(self, events: Sequence[_Event]) -> list[Bounds]:
        """Pairs of events as intervals, in the order of versions (OSV schema, "Evaluation")."""
        marks = [mark for event in events for mark in _marks(event)]
        with suppress(InvalidVersion):  # an event without a place: the document's own order stands
            marks.sort(key=lambda mark: (self._scheme.key(mark[1]) if mark[1] else b"", mark[0]))
        return _pair(marks)


def _marks(event: _Event) -> Iterator[tuple[int, str, str]]:
    """The bounds that an event sets: order among equals, version ("" is the lowest), kind."""
    if event.introduced:
        yield (_OPENING, "" if event.introduced == "0" else event.introduced, "introduced")
    if event.fixed:
        yield (_CLOSING, event.fixed, "fixed")
    if event.last_affected:
        yield (_LAST, event.last_affected, "last")
    if event.limit and event.limit != "*":
        yield (_CLOSING, event.limit, "limit")


def _pair(marks: Sequence[tuple[int, str, str]]) -> list[Bounds]:
    """Walk over sorted bounds; what is open at the end has no upper bound."""
    intervals: list[Bounds] = []
    start: str | None = None
    unopened = ""  # a bound that ended nothing: a range that begins there is empty
    for _, version, kind in marks:
        if kind == "introduced":
            start = version if start is None and version != (unopened or None) else start
        elif start is None:
            unopened = version
        else:
            intervals.append(replace(Bounds(start), **{kind: version}))
            start = None
    if start is not None:
        intervals.append(Bounds(start))
    return intervals


def _space(alias: str) -> tuple[str, str]:
    prefix, dash, _ = alias.partition("-")
    return (prefix if dash else "", alias)
