"""Reads bills of material: each package URL becomes a package of an index report.

SPDX 2.x and CycloneDX 1.x as JSON, from any tool. What cannot be looked up is a note that
names it; a document that cannot be read at all is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

import msgspec

from pyrox.scan.model import Distribution, Environment, IndexReport, Note, NoteKind, Package, Repository
from pyrox.scan.sbom import cyclonedx, spdx
from pyrox.scan.sbom.purl import InvalidPurl, Purl, parse
from pyrox.scan.sbom.records import Record, Unhandled, record_of

MAX_BYTES: Final = 64_000_000
_MAX_PACKAGES: Final = 200_000
_MAX_DEPTH: Final = 64
_MAX_NOTES: Final = 1000


class InvalidDocument(ValueError):
    """A document that is none of the known forms."""


class _Reference(msgspec.Struct):
    kind: str = msgspec.field(name="referenceType", default="")
    locator: str = msgspec.field(name="referenceLocator", default="")


class _SpdxPackage(msgspec.Struct):
    references: list[_Reference] = msgspec.field(name="externalRefs", default_factory=list)


class _Spdx(msgspec.Struct):
    version: str = msgspec.field(name="spdxVersion", default="")
    packages: list[_SpdxPackage] = msgspec.field(default_factory=list)


class _Component(msgspec.Struct):
    kind: str = msgspec.field(name="type", default="")
    name: str = ""
    version: str = ""
    purl: str = ""
    components: list[_Component] = msgspec.field(default_factory=list)


class _CycloneDx(msgspec.Struct):
    form: str = msgspec.field(name="bomFormat", default="")
    components: list[_Component] = msgspec.field(default_factory=list)


_SPDX: Final = msgspec.json.Decoder(_Spdx)
_CYCLONEDX: Final = msgspec.json.Decoder(_CycloneDx)
_DAMAGE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
_T = TypeVar("_T")
Cpes = Callable[[str], Sequence[str]]


def read(data: bytes, media_type: str, cpes: Cpes = lambda _: ()) -> IndexReport:
    """The packages of a document.

    Args:
        data: the document.
        media_type: one of `spdx.MEDIA_TYPES` or `cyclonedx.MEDIA_TYPE`.
        cpes: the CPEs of a Red Hat repository id.

    Raises:
        InvalidDocument: it is too long, or no document of that type.
    """
    if len(data) > MAX_BYTES:
        raise InvalidDocument(f"{len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        if media_type in spdx.MEDIA_TYPES:
            texts = _of_spdx(_SPDX.decode(data))
        elif media_type == cyclonedx.MEDIA_TYPE:
            texts = _of_cyclonedx(_CYCLONEDX.decode(data))
        else:
            raise InvalidDocument(f"media type {media_type[:100]!r} is not read")
    except _DAMAGE as error:
        raise InvalidDocument(f"no JSON of that form: {error}"[:300]) from error
    return _Collected(cpes).of(texts)


def media_type_of(data: bytes) -> str:
    """The media type that a document claims by its own fields.

    Raises:
        InvalidDocument: it claims none that is read.
    """
    try:
        if _SPDX.decode(data).version.startswith("SPDX-2."):
            return "text/spdx+json"
        if _CYCLONEDX.decode(data).form == "CycloneDX":
            return cyclonedx.MEDIA_TYPE
    except _DAMAGE as error:
        raise InvalidDocument(f"no JSON: {error}"[:300]) from error
    raise InvalidDocument("neither spdxVersion SPDX-2.x nor bomFormat CycloneDX")


def _of_spdx(document: _Spdx) -> Iterator[tuple[str, str]]:
    if not document.version.startswith("SPDX-2."):
        raise InvalidDocument(f"spdxVersion {document.version[:32]!r}; SPDX-2.x is read")
    return (
        (reference.locator, "")
        for package in document.packages
        for reference in package.references
        if reference.kind == "purl"
    )


def _of_cyclonedx(document: _CycloneDx) -> Iterator[tuple[str, str]]:
    if document.form != "CycloneDX":
        raise InvalidDocument(f"bomFormat {document.form[:32]!r}; CycloneDX is read")
    systems = [c for c in document.components if c.kind == "operating-system" and c.name]
    # A purl without a distro qualifier belongs to the one system that the document names.
    distro = f"{systems[0].name.lower()}-{systems[0].version}" if len(systems) == 1 else ""
    return ((component.purl, distro) for component in _flat(document.components) if component.purl)


def _flat(components: list[_Component]) -> Iterator[_Component]:
    waiting = [(component, 0) for component in reversed(components)]
    while waiting:
        component, depth = waiting.pop()
        yield component
        if depth < _MAX_DEPTH:
            waiting += [(inner, depth + 1) for inner in reversed(component.components)]


class _Collected:
    """Gives each distinct package, distribution and repository one id."""

    def __init__(self, cpes: Cpes) -> None:
        self._cpes = cpes
        self._report = IndexReport()
        self._packages: dict[tuple[Package, str], str] = {}
        self._systems: dict[Distribution, str] = {}
        self._repositories: dict[Repository, str] = {}
        self._notes: list[Note] = []

    def of(self, texts: Iterator[tuple[str, str]]) -> IndexReport:
        for number, (text, distro) in enumerate(texts):
            if number >= _MAX_PACKAGES:
                self._note(NoteKind.TOO_MANY, "packages", f"only the first {_MAX_PACKAGES} were read")
                break
            try:
                self._add(record_of(_placed(parse(text), distro), self._cpes))
            except InvalidPurl as error:
                self._note(NoteKind.MALFORMED, text[:200], str(error))
            except Unhandled as error:
                self._note(NoteKind.UNSUPPORTED, text[:200], str(error)[:300])
        made = self._report
        return IndexReport(
            packages=made.packages,
            source_ids=self._source_ids(),
            distributions=made.distributions,
            repositories=made.repositories,
            environments=made.environments,
            notes=tuple(self._notes),
        )

    def _add(self, record: Record) -> None:
        system = _id(self._systems, record.distribution) if record.distribution else ""
        key = (record.package, system)
        if key in self._packages:
            return
        number = self._packages[key] = str(len(self._packages) + 1)
        repositories = tuple(_id(self._repositories, repository) for repository in record.repositories)
        self._report.packages[number] = record.package
        self._report.environments[number] = (
            Environment(package_db="", introduced_in="", distribution_id=system, repository_ids=repositories),
        )
        if record.distribution:
            self._report.distributions[system] = record.distribution
        self._report.repositories.update(zip(repositories, record.repositories, strict=True))

    def _source_ids(self) -> dict[str, str]:
        """An id for each distinct source, after those of the packages."""
        known: dict[tuple[str, str], str] = {}
        first = len(self._report.packages) + 1
        return {
            key: known.setdefault(source, str(first + len(known)))
            for key, package in self._report.packages.items()
            if (source := (package.source_name, package.source_version))[0]
        }

    def _note(self, kind: NoteKind, subject: str, detail: str) -> None:
        if len(self._notes) < _MAX_NOTES:
            self._notes.append(Note(kind, subject, detail))


def _id(known: dict[_T, str], item: _T) -> str:
    return known.setdefault(item, str(len(known) + 1))


def _placed(purl: Purl, distro: str) -> Purl:
    if not distro or purl.qualifiers.get("distro"):
        return purl
    return Purl(purl.type, purl.name, purl.version, purl.namespace, {**purl.qualifiers, "distro": distro})
