"""The `updateinfo.xml` of rpm repositories: advisories with the packages that bring the fix.

The rpm ecosystem makes an `UpdateinfoSource` for Amazon Linux and for Fedora.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pyrox.scan import severity
from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Alias, Item, ParsedAdvisory, Skipped
from pyrox.scan.advisories.ranges import Bounds, Subject, note, row
from pyrox.scan.formats import unpack
from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.formats.xmlrecords import Node, records
from pyrox.scan.model import Kind
from pyrox.scan.protocols import VersionScheme

_SOURCES: Final = frozenset(("src", "nosrc"))


class UpdateinfoSource:
    """The repositories of one distribution.

    Args:
        updater: upstream's updater name for a path, empty for a path that is not the source's.
        namespace: the namespace of the release that a path belongs to.
        types: the advisories' types that are about security; empty takes all.
    """

    def __init__(
        self,
        name: str,
        scheme: VersionScheme,
        *,
        updater: Callable[[str], str],
        namespace: Callable[[str], str],
        types: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self._scheme = scheme
        self._updater = updater
        self._namespace = namespace
        self._types = types

    def accepts(self, path: str) -> bool:
        """True for a path that has an updater."""
        return bool(self._updater(path))

    def parse(self, path: str, data: bytes) -> Iterator[Item]:
        """One advisory for each update; never raises on bad content."""
        try:
            for node in records(unpack.plain(data), "update".__eq__):
                yield from self._update(path, node)
        except StreamDamage as damage:
            yield Skipped(path, damage.detail)

    def _update(self, path: str, node: Node) -> Iterator[Item]:
        name = node.text_at("id")
        if not name:
            yield Skipped(path, "update without an id")
            return
        kind = node.attributes.get("type", "")
        if self._types and kind not in self._types:
            yield Skipped(name[:200], f"update of type {kind[:40]!r}")
            return
        skipped: dict[Skipped, None] = {}
        rows: dict[AdvisoryRow, None] = {}
        for package in (p for p in node.walk() if p.name == "package"):
            made = self._row(path, name, package)
            if isinstance(made, str):
                skipped[Skipped(name[:200], made)] = None
            else:
                rows[made] = None
                problem = note(made, self._scheme)
                if problem:
                    skipped[Skipped(name[:200], problem)] = None
        if rows:
            yield ParsedAdvisory(self._advisory(path, name, node), tuple(rows))
        elif not skipped:
            yield Skipped(name[:200], "update without packages")
        yield from skipped

    def _row(self, path: str, name: str, package: Node) -> AdvisoryRow | str:
        """The row of a package, or why there is none."""
        found = package.attributes
        version, release, arch = found.get("version", ""), found.get("release", ""), found.get("arch", "")
        if not found.get("name") or not version:
            return "package without a name or version"
        if arch in _SOURCES:
            return "source package of a fix"
        epoch = found.get("epoch", "")
        evr = f"{version}-{release}" if release else version
        fixed = f"{epoch}:{evr}" if epoch and epoch != "0" else evr
        subject = Subject(self._namespace(path), found["name"], Kind.BINARY, self._scheme, name, arch)
        return row(subject, Bounds(fixed=fixed)) or "empty range"

    def _advisory(self, path: str, name: str, node: Node) -> Advisory:
        references = [r for part in node.all("references") for r in part.all("reference")]
        issued, updated = node.first("issued"), node.first("updated")
        word = node.text_at("severity")
        return Advisory(
            source=self._updater(path),
            key=name,
            name=name,
            description=node.text_at("description"),
            issued=unpack.time(issued.attributes.get("date", "")) if issued else None,
            links=" ".join(
                dict.fromkeys(r.attributes["href"] for r in references if r.attributes.get("href"))
            ),
            severity=word,
            normalized=severity.from_word(word),
            aliases=tuple(
                Alias("CVE", cve)
                for cve in dict.fromkeys(r.attributes.get("id", "") for r in references)
                if cve.startswith("CVE-")
            ),
            updated=unpack.time(updated.attributes.get("date", "")) if updated else None,
        )
