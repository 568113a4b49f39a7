"""What raw advisory files say about installed packages: a second opinion on the scanner's answers.

It reads the files as their publishers wrote them, and compares Debian's versions by
`dpkg --compare-versions` and all others by `packaging`. It must not use the product.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cmp_to_key
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

Json = dict[str, Any]
Package = tuple[str, str]
"""Name and version."""
_SHOWN = (r"CVE-\d{4}-\d+", r"GHSA(-[2-9cfghjmpqrvwx]{4}){3}", r"[A-Z]+-\d{4}[-:]\d+")


@dataclass(frozen=True)
class Findings:
    """What is found of one ecosystem's packages."""

    order: Callable[[str], Any]
    """The place of a fixed version in the ecosystem's order; the empty text is below all."""
    fixes: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)
    """By package name, its version and the name that is shown: what fixes it, perhaps the empty text."""
    known: set[Package] = field(default_factory=set)
    """Packages that have advisories."""

    def add(self, package: Package, name: str, fixes: Iterable[str]) -> None:
        """Take what one advisory says of a package."""
        self.known.add(package)
        for fix in fixes:
            self.fixes.setdefault((*package, name), set()).add(fix)

    def rows(self) -> set[tuple[str, str, str, str]]:
        """Package name, version, shown name, and the newest of its fixes."""
        return {(*key, max(fixes, key=self.order)) for key, fixes in self.fixes.items()}

    @property
    def silent(self) -> set[Package]:
        """Packages with advisories of which none applies."""
        return self.known - {key[:2] for key in self.fixes}


@cache
def dpkg_order(a: str, b: str) -> int:
    """-1, 0 or 1, as dpkg orders the two."""
    for relation, sign in (("lt", -1), ("eq", 0)):
        if subprocess.run(["dpkg", "--compare-versions", a, relation, b], check=False).returncode == 0:
            return sign
    return 1


@cmp_to_key
def by_dpkg(a: str, b: str) -> int:
    """dpkg's order as a key."""
    return dpkg_order(a, b) if a and b else bool(a) - bool(b)


def by_packaging(text: str) -> tuple[bool, Version]:
    """The order of `packaging` as a key."""
    return bool(text), parsed(text or "0")


def parsed(text: str) -> Version:
    """A version of PyPI, npm or Maven; `RELEASE` ends a Maven version without changing its place here."""
    return Version(text.removesuffix(".RELEASE"))


def debian(packages: Iterable[tuple[str, str, str, str]], trackers: Iterable[Json], release: str) -> Findings:
    """By Debian's tracker: packages are binary name and version, source name and version."""
    found, installed = Findings(by_dpkg), list(packages)
    for tracker in trackers:
        for name, version, source, source_version in installed:
            for cve, issue in tracker.get(source, {}).items():
                entry = issue["releases"].get(release)
                if entry is None or entry.get("fixed_version") == "0":
                    continue
                fixed = entry.get("fixed_version", "")
                affected = not fixed or dpkg_order(source_version, fixed) < 0
                found.add((name, version), cve, [fixed] if affected else [])
    return found


def osv(packages: Iterable[Package], documents: Iterable[Json], ecosystem: str) -> Findings:
    """By documents of the OSV schema, evaluated as it says."""
    found = Findings(by_packaging)
    versions: dict[str, list[Package]] = {}
    for package in packages:
        versions.setdefault(package[0], []).append(package)
    for document in documents:
        if document.get("withdrawn"):
            continue
        for affected in document.get("affected", []):
            if affected["package"]["ecosystem"] != ecosystem:
                continue
            name = affected["package"]["name"]
            name = canonicalize_name(name) if ecosystem == "PyPI" else name
            for package in versions.get(name, ()):
                found.add(package, shown(document), _fixes(affected, parsed(package[1])))
    return found


def shown(document: Json) -> str:
    """The name that a report shows: a CVE where the advisory or its links hold one."""
    pages = [f"https://osv.dev/vulnerability/{alias}" for alias in document.get("aliases", [])]
    links = " ".join([*(reference["url"] for reference in document.get("references", [])), *pages])
    for pattern in _SHOWN:
        for text in (document["id"], links):
            if match := re.search(pattern, text):
                return match[0]
    return str(document["id"])


def _fixes(affected: Json, version: Version) -> set[str]:
    """The fix of each range that holds the version (empty text for none); no element: not affected."""
    fixes = set()
    for part in affected.get("ranges", []):
        if part["type"] in {"ECOSYSTEM", "SEMVER"}:
            fixes |= set(_in_range(part["events"], version))
    if not fixes and any(_same(text, version) for text in affected.get("versions") or ()):
        fixes.add("")
    return fixes


def _in_range(events: Iterable[Mapping[str, str]], version: Version) -> Iterator[str]:
    start: Version | None = None
    for event in sorted(events, key=lambda e: (parsed(next(iter(e.values()))), "introduced" in e)):
        ((kind, text),) = event.items()
        if kind == "introduced":
            start = start or parsed(text)
        elif start is not None:
            inside = version < parsed(text) if kind == "fixed" else version <= parsed(text)
            if start <= version and inside:
                yield text if kind == "fixed" else ""
            start = None
    if start is not None and start <= version:
        yield ""


def _same(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except InvalidVersion:
        return False


def zipped(path: Path) -> Iterator[Json]:
    """The documents of OSV's archive of an ecosystem."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            yield json.loads(archive.read(info))


def plain(path: Path) -> Any:
    """A JSON file, perhaps compressed."""
    raw = path.read_bytes()
    return json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
