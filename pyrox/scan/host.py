"""An index report of a host's root file system, by the detectors that read images.

Compliance walks the root and hands the files over; nothing here opens a path. The report has
upstream's form: one layer with a digest that stands for "the node", and on Red Hat CoreOS a
package for the operating system itself (upstream compliance/node/index).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from pyrox.scan import cpe, platform
from pyrox.scan.coalesce import coalesce
from pyrox.scan.formats import osrelease
from pyrox.scan.layer import WALK
from pyrox.scan.model import (
    Environment,
    Finds,
    IndexReport,
    LayerFinds,
    NormalizedVersion,
    Note,
    NoteKind,
    Package,
    Repository,
)
from pyrox.scan.protocols import Detector, Entry, Limits
from pyrox.scan.repositories import Mappings, resolve
from pyrox.scan.versions import InvalidVersion
from pyrox.scan.versions.rhctag import numbers

LAYER: Final = "sha256:" + 64 * "a"
_CONTAINER_KEY: Final = "rhcc-container-repository"
_PACKAGE, _SOURCE, _REPOSITORY = "rhcos-pkg", "rhcos-src", "rhcos-repo"
_INT32: Final = 2**31 - 1
_SYSTEM: Final = frozenset(
    (
        "dpkg",
        "apk",
        "rpm",
        "debian",
        "ubuntu",
        "alpine",
        "wolfi",
        "rhel",
        "os-release",
        "rhel-repository-scanner",
        "kubernetes",
    )
)


@dataclass(frozen=True, slots=True)
class HostFile:
    """A regular file below the root, and how to open it; `open` may raise OSError."""

    entry: Entry
    open: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class HostFinds:
    """What was found, and the host's os-release."""

    finds: LayerFinds
    release: Mapping[str, str]


def host_detectors(detectors: Sequence[Detector]) -> tuple[Detector, ...]:
    """Those that read what belongs to the host: its packages, its release, its part of the cluster."""
    return tuple(detector for detector in detectors if detector.name in _SYSTEM)


def wanting(detectors: Sequence[Detector], path: str, mode: int) -> list[Detector]:
    """The detectors that want to read a file."""
    return [detector for detector in detectors if detector.wants(path, mode)]


def index_host(
    files: Iterable[HostFile],
    *,
    detectors: Sequence[Detector],
    limits: Limits | None = None,
    notes: Callable[[], Sequence[Note]] = tuple,
) -> HostFinds:
    """Let the detectors see the files; `notes` gives the walk's own when it is over."""
    bounds = limits or Limits()
    runs = {detector.name: detector.start(bounds) for detector in detectors}
    unread: list[Note] = []
    releases: dict[str, str] = {}
    for file in files:
        entry = file.entry
        takers = [
            one for one in wanting(detectors, entry.path, entry.mode) if _fits(one, entry, bounds, unread)
        ]
        if not takers:
            continue
        try:
            with file.open() as data:
                for detector in takers:
                    data.seek(0)
                    runs[detector.name].take(entry, data)
                if entry.path in osrelease.OS_RELEASE:
                    data.seek(0)
                    releases[entry.path] = data.read(osrelease.MAX_BYTES).decode("utf-8", "replace")
        except OSError as error:
            _note(unread, bounds, Note(NoteKind.MALFORMED, entry.path, f"cannot be read: {error.strerror}"))
    found = {name: run.finish() for name, run in runs.items()}
    found[WALK] = Finds(notes=(*notes(), *unread)[: bounds.notes])
    layer = LayerFinds(LAYER, {name: finds for name, finds in found.items() if finds != Finds()})
    return HostFinds(layer, osrelease.release(releases))


def _fits(detector: Detector, entry: Entry, limits: Limits, unread: list[Note]) -> bool:
    bound = limits.text_bytes if detector.reads_text else limits.file_bytes
    if entry.size > bound:
        detail = f"{entry.size} bytes; {detector.name} reads at most {bound}"
        _note(unread, limits, Note(NoteKind.TOO_LARGE, entry.path, detail))
    return entry.size <= bound


def _note(unread: list[Note], limits: Limits, note: Note) -> None:
    if len(unread) < limits.notes:
        unread.append(note)


def host_report(found: HostFinds, mappings: Mappings) -> IndexReport:
    """The report of the host; Red Hat's files of today give its repositories their CPEs."""
    report = coalesce(resolve([found.finds], mappings))
    if platform.is_rhcos(found.release):
        _add_rhcos(report, found.release)
    return report


def _add_rhcos(report: IndexReport, release: Mapping[str, str]) -> None:
    """The operating system as a package, which Red Hat's advisories know by that name."""
    version = release["VERSION"]
    name = cpe.formatted(
        f"cpe:/a:redhat:openshift:{release['OPENSHIFT_VERSION']}::el{release['VERSION_ID'].partition('.')[0]}"
    )
    try:
        tag = numbers(version)
    except InvalidVersion:
        return
    if not name or max(tag) > _INT32:
        return
    report.packages[_PACKAGE] = Package(
        name="rhcos",
        version=version,
        ecosystem="rhcc",
        arch=next((p.arch for p in report.packages.values() if p.arch not in {"", "noarch"}), ""),
        repository=name,
        repository_hint="rhcc",
        normalized=NormalizedVersion("rhctag", (*tag, *(0,) * 8)),
        source_name="rhcos",
        source_version=version,
    )
    report.source_ids[_PACKAGE] = _SOURCE
    report.repositories[_REPOSITORY] = Repository(name=name, key=_CONTAINER_KEY, cpe=name)
    report.environments[_PACKAGE] = (Environment("", LAYER, repository_ids=(_REPOSITORY,)),)
