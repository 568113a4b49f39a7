"""Reads secdb files, as Alpine, Wolfi and Chainguard publish them.

Each file is one repository of one release: source packages, the version that fixes, and
the ids that it fixes. An id is kept as it stands, even when it holds words besides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import msgspec

from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Item, ParsedAdvisory, Skipped
from pyrox.scan.advisories.ranges import Bounds, Subject, row
from pyrox.scan.ecosystems.apk.version import SCHEME
from pyrox.scan.formats import unpack
from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.model import Kind

_LINK: Final = "https://security.alpinelinux.org/vuln/"


class _Package(msgspec.Struct):
    name: str = ""
    secfixes: dict[str, list[str] | None] | None = None


class _Entry(msgspec.Struct):
    pkg: _Package


class _Secdb(msgspec.Struct):
    distroversion: str = ""
    reponame: str = ""
    packages: list[msgspec.Raw] | None = None


_DECODER: Final = msgspec.json.Decoder(_Secdb)
_ENTRY: Final = msgspec.json.Decoder(_Entry)
_DAMAGE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class SecdbSource:
    """One distribution's secdb files; `did` is the first folder of their paths."""

    def __init__(self, did: str) -> None:
        self.name = did
        self._did = did

    def accepts(self, path: str) -> bool:
        """True for `alpine/v3.N/main.json` and the like, packed or not."""
        return path.startswith(f"{self._did}/") and path.removesuffix(".gz").endswith(".json")

    def parse(self, path: str, data: bytes) -> Iterator[Item]:
        """One advisory per id, with the rows of all its packages."""
        try:
            secdb = _DECODER.decode(unpack.plain(data))
        except StreamDamage as damage:
            yield Skipped(path, damage.detail)
            return
        except _DAMAGE as error:
            yield Skipped(path, f"malformed: {error}"[:200])
            return
        release, repository = self._place(path, secdb)
        namespace = f"alpine:{release}" if self._did == "alpine" else self._did
        source = f"alpine-{repository}-{release}-updater" if self._did == "alpine" else f"{self._did}-updater"
        rows: defaultdict[str, list[AdvisoryRow]] = defaultdict(list)
        for raw in secdb.packages or ():
            try:
                package = _ENTRY.decode(raw).pkg
            except _DAMAGE as error:
                yield Skipped(path, f"malformed package: {error}"[:200])
                continue
            yield from self._package(namespace, package, rows)
        for name, made in rows.items():
            link = _LINK + name if self._did == "alpine" else ""
            # The file has no severity; upstream writes this word, and NVD's record gives the rest.
            advisory = Advisory(source=source, key=name, name=name, links=link, severity="Unknown")
            yield ParsedAdvisory(advisory, tuple(dict.fromkeys(made)))

    @staticmethod
    def _place(path: str, secdb: _Secdb) -> tuple[str, str]:
        """Release and repository, by the document or else by the path."""
        folders = path.split("/")
        release = secdb.distroversion or (folders[-2] if len(folders) > 2 else "")
        return release, secdb.reponame or folders[-1].partition(".")[0]

    @staticmethod
    def _package(
        namespace: str, package: _Package, rows: defaultdict[str, list[AdvisoryRow]]
    ) -> Iterator[Skipped]:
        for fixed, names in (package.secfixes or {}).items():
            if fixed == "0":
                yield Skipped(f"{package.name} {' '.join(names or ())}".strip()[:200], "never affected")
                continue
            for name in names or ():
                subject = Subject(namespace, package.name, Kind.SOURCE, SCHEME, name)
                made = row(subject, Bounds(fixed=fixed)) if name else None
                if made is not None:
                    rows[name].append(made)
            if not names:
                yield Skipped(f"{package.name} {fixed}"[:200], "fixed version without an id")


SOURCES = (SecdbSource("alpine"), SecdbSource("wolfi"), SecdbSource("chainguard"))
