"""Lock files in JSON: npm, Pipenv, Composer and NuGet.

`pyrox.scan.locks` calls the readers. What is only for development or for tests is left out
where the file says so. Only the fields that count are built, however large the file is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

Locked = Iterator[tuple[str, str]]
_MODULES: Final = "node_modules/"
_MAX_DEPTH: Final = 100
_BOM: Final = b"\xef\xbb\xbf"


class _NpmEntry(msgspec.Struct):
    name: str = ""
    version: str = ""
    dev: bool = False
    link: bool = False


class _NpmDependencies(msgspec.Struct):
    """An entry of the first version's tree; the other versions hold texts under the same name."""

    version: str = ""
    dev: bool = False
    dependencies: dict[str, _NpmDependencies] = {}


class _NpmFlat(msgspec.Struct):
    packages: dict[str, _NpmEntry] | None = None


class _NpmTree(msgspec.Struct):
    dependencies: dict[str, _NpmDependencies] = {}


class _PipEntry(msgspec.Struct):
    version: str = ""


class _Pipfile(msgspec.Struct):
    default: dict[str, _PipEntry] = {}


class _ComposerEntry(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Composer(msgspec.Struct):
    packages: list[_ComposerEntry] = []


class _NugetEntry(msgspec.Struct):
    type: str = ""
    resolved: str = ""


class _Nuget(msgspec.Struct):
    dependencies: dict[str, dict[str, _NugetEntry]] = {}


_NPM_FLAT: Final = msgspec.json.Decoder(_NpmFlat)
_NPM_TREE: Final = msgspec.json.Decoder(_NpmTree)
_PIPFILE: Final = msgspec.json.Decoder(_Pipfile)
_COMPOSER: Final = msgspec.json.Decoder(_Composer)
_NUGET: Final = msgspec.json.Decoder(_Nuget)


def npm(content: bytes) -> Locked:
    """`package-lock.json` and `npm-shrinkwrap.json` of the versions 1, 2 and 3."""
    plain = content.removeprefix(_BOM)
    flat = _NPM_FLAT.decode(plain).packages
    if flat is None:
        yield from _tree(_NPM_TREE.decode(plain).dependencies, 0)
        return
    for place, entry in flat.items():
        _, below, folder = place.rpartition(_MODULES)
        if below and entry.version and not entry.dev and not entry.link:
            yield entry.name or folder, entry.version


def _tree(entries: dict[str, _NpmDependencies], depth: int) -> Locked:
    if depth > _MAX_DEPTH:
        raise ValueError(f"dependencies more than {_MAX_DEPTH} deep")
    for name, entry in entries.items():
        if entry.dev:
            continue
        alias, _, version = entry.version.removeprefix("npm:").rpartition("@")
        if entry.version.startswith("npm:"):
            yield alias, version
        elif entry.version[:1].isdigit():  # others are addresses of archives and repositories
            yield name, entry.version
        yield from _tree(entry.dependencies, depth + 1)


def pipfile(content: bytes) -> Locked:
    """`Pipfile.lock`."""
    for name, entry in _PIPFILE.decode(content).default.items():
        if entry.version.startswith("=="):
            yield name, entry.version.lstrip("=")


def composer(content: bytes) -> Locked:
    """`composer.lock`."""
    for entry in _COMPOSER.decode(content).packages:
        if entry.name and entry.version:
            yield entry.name, entry.version


def nuget(content: bytes) -> Locked:
    """`packages.lock.json`; projects of the same solution are no packages."""
    for framework in _NUGET.decode(content.removeprefix(_BOM)).dependencies.values():
        for name, entry in framework.items():
            if entry.resolved and entry.type.lower() != "project":
                yield name, entry.resolved
