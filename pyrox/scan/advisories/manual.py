"""StackRox's list of advisories written by hand, in YAML: what no feed has in time.

`pyrox.scan.catalogue` lists it beside the ecosystems' sources. Fixed versions are texts of
the form `introduced=…&fixed=…`, as in upstream's bundles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
import yaml

from pyrox.scan import catalogue, severity
from pyrox.scan.advisories.model import Advisory, Item, ParsedAdvisory, Skipped
from pyrox.scan.advisories.ranges import Bounds, Subject, note, row
from pyrox.scan.formats import unpack
from pyrox.scan.model import Kind
from pyrox.scan.protocols import VersionScheme

NAME: Final = "stackrox-manual"
_MAX_BYTES: Final = 1_000_000  # upstream's list has some 50 kB
_MAX_DEPTH: Final = 20


class _Package(msgspec.Struct, rename="pascal"):
    name: str = ""


class _Repository(msgspec.Struct, rename="pascal"):
    name: str = ""


class _Entry(msgspec.Struct, rename="pascal"):
    name: str = ""
    description: str = ""
    issued: str = ""
    links: str = ""
    severity: str = ""
    normalized_severity: str = ""
    package: _Package = msgspec.field(default_factory=_Package)
    fixed_in_version: str = ""
    repo: _Repository = msgspec.field(default_factory=_Repository)


class ManualSource:
    """The one file of the list."""

    name = NAME

    def __init__(self, schemes: Mapping[str, VersionScheme]) -> None:
        self._schemes = schemes

    def accepts(self, path: str) -> bool:
        """True for a YAML file below `manual/`."""
        return path.startswith("manual/") and path.endswith((".yaml", ".yml"))

    def parse(self, path: str, data: bytes) -> Iterator[Item]:
        """One advisory for each entry; never raises on bad content."""
        try:
            entries = _entries(data)
        except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
            yield Skipped(path, f"malformed: {error}"[:200])
            return
        for number, entry in enumerate(entries, 1):
            try:
                found = msgspec.convert(entry, _Entry, strict=False)
            except (msgspec.ValidationError, RecursionError) as error:
                yield Skipped(f"{path} entry {number}", f"malformed entry: {error}"[:200])
                continue
            yield from self._advisory(f"{path} entry {number}", found)

    def _advisory(self, where: str, entry: _Entry) -> Iterator[Item]:
        repository = entry.repo.name
        known = repository in catalogue.names().languages
        scheme = self._schemes.get(catalogue.orders()[repository]) if known else None
        if not entry.name or not entry.package.name or scheme is None:
            missing = "no known repository" if scheme is None else "no name or package"
            yield Skipped(entry.name or where, missing)
            return
        package = catalogue.spellings()[repository](entry.package.name)
        values = parse_qs(entry.fixed_in_version) if "=" in entry.fixed_in_version else {}
        bounds = Bounds(
            introduced=_bound(values, "introduced"),
            fixed=_bound(values, "fixed") if values else entry.fixed_in_version,
            last=_bound(values, "lastAffected"),
        )
        key = f"{entry.name} {package} {entry.fixed_in_version}"
        made = row(Subject(entry.repo.name, package, Kind.BINARY, scheme, key), bounds)
        if made is None:
            yield Skipped(entry.name, "empty range")
            return
        yield ParsedAdvisory(
            Advisory(
                source=NAME,
                key=key,
                name=entry.name,
                description=entry.description.strip(),
                issued=unpack.time(entry.issued),
                links=" ".join(entry.links.split()),
                severity=entry.severity,
                normalized=severity.from_word(entry.normalized_severity),
            ),
            (made,),
        )
        said = note(made, scheme)
        if said:
            yield Skipped(entry.name, said)


def _bound(values: Mapping[str, list[str]], name: str) -> str:
    found = values.get(name, [""])[0]
    return "" if found == "0" else found


def _entries(data: bytes) -> list[Any]:
    """The list, at the top of the document or under its one key.

    Aliases are refused, since a few of them can stand for a document of any size.
    """
    if len(data) > _MAX_BYTES:
        raise ValueError(f"more than {_MAX_BYTES} bytes")
    _check(data)
    found = yaml.load(data, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and maps only
    if isinstance(found, dict) and len(found) == 1:
        (found,) = found.values()
    if found in (None, ""):
        return []
    if not isinstance(found, list):
        raise TypeError("no list of entries")
    return found


def _check(data: bytes) -> None:
    """Refuse what stands for more than it is, before anything is built of it."""
    depth = 0
    for event in yaml.parse(data, Loader=yaml.BaseLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise ValueError(f"nested more than {_MAX_DEPTH} deep")
        if event.__class__ is yaml.AliasEvent:
            raise ValueError("aliases are not read")
