"""Finds of which of Red Hat's container images a layer is, by what its build left in it.

Newer builds leave their labels as JSON, older ones the Dockerfile. The image itself becomes
three packages: source, binary and ancestry, as upstream has them (claircore rhel/rhcc).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO, Final

import msgspec

from pyrox.scan import cpe
from pyrox.scan.formats import dockerfile, unpack
from pyrox.scan.formats.run import Collector
from pyrox.scan.model import Finds, Kind, NormalizedVersion, NoteKind, Package, Repository
from pyrox.scan.protocols import Entry, Limits
from pyrox.scan.versions import InvalidVersion
from pyrox.scan.versions.rhctag import numbers

ECOSYSTEM: Final = "rhcc"
KEY: Final = "rhcc-container-repository"
GOLD: Final = Repository(
    name="Red Hat Container Catalog", key=KEY, uri="https://catalog.redhat.com/software/containers/explore"
)
_LABELS: Final = ("root/buildinfo/labels.json", "usr/share/buildinfo/labels.json")
_DOCKERFILE: Final = "root/buildinfo/Dockerfile-"
_HINT: Final = "rhcc"
_INT32: Final = 2**31 - 1
_Read = Callable[[Collector, Entry, BinaryIO], Iterator[Package | Repository]]


class _Labels(msgspec.Struct):
    created: str = msgspec.field(default="", name="org.opencontainers.image.created")
    architecture: str = ""
    name: str = ""
    cpe: str = ""


_DECODER: Final = msgspec.json.Decoder(_Labels)


def normalized(version: str) -> NormalizedVersion:
    """Upstream's numbers: major and minor, and zeros: the beginning of the minor release."""
    found = numbers(version)
    if max(found) > _INT32:
        return NormalizedVersion()
    return NormalizedVersion("rhctag", (*found, *(0,) * 8))


def _image(
    entry: Entry, *, name: str, source: str, version: str, arch: str, repository: str
) -> list[Package]:
    """The three packages of an image; advisories speak of the first two, "not affected" of the third."""
    own = Package(
        name=source,
        version=version,
        ecosystem=ECOSYSTEM,
        kind=Kind.SOURCE,
        package_db=entry.path,
        filepath=entry.path,
        arch=arch,
        repository=repository,
        repository_hint=_HINT,
        normalized=normalized(version),
    )
    named = replace(own, name=name, source_name=source, source_version=version)
    return [own, replace(named, kind=Kind.BINARY), replace(named, kind=Kind.ANCESTRY)]


def _plain(value: str) -> str:
    """A value without the second pair of quotes that some builds gave it."""
    try:
        return msgspec.json.decode(value, type=str) if value.startswith('"') else value
    except msgspec.DecodeError:
        return value


class _Run:
    """Collects, with a way of reading that the detector gives."""

    def __init__(
        self, limits: Limits, read: Callable[[Collector, Entry, BinaryIO], Iterator[Package | Repository]]
    ) -> None:
        self._collector = Collector(limits)
        self._read = read
        self._repositories: dict[str, Repository] = {}

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one file of the build."""
        self._collector.begin(entry.path)
        for found in self._read(self._collector, entry, data):
            if isinstance(found, Repository):
                if len(self._repositories) < self._collector.limits.notes:
                    self._repositories[entry.path] = found
            else:
                self._collector.add(entry.path, found)

    def finish(self) -> Finds:
        """The image, and the repository that it belongs to."""
        repositories = tuple(dict.fromkeys(self._repositories.values()))
        return Finds(repositories=repositories) + self._collector.finds()


def _from_labels(collector: Collector, entry: Entry, data: BinaryIO) -> Iterator[Package | Repository]:
    try:
        labels = _DECODER.decode(collector.text(entry, data))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        collector.note(NoteKind.MALFORMED, entry.path, str(error)[:200])
        return
    name, arch, product = map(_plain, (labels.name, labels.architecture, labels.cpe))
    created, repository = unpack.time(_plain(labels.created)), cpe.formatted(product)
    if not (name and arch and created and repository):
        collector.note(
            NoteKind.UNSUPPORTED,
            entry.path,
            "labels name, architecture, cpe or time of creation are missing",
        )
        return
    yield Repository(name=repository, key=KEY, cpe=repository)
    version = str(int(created.timestamp()))
    yield from _image(entry, name=name, source=name, version=version, arch=arch, repository=repository)


def _from_dockerfile(collector: Collector, entry: Entry, data: BinaryIO) -> Iterator[Package | Repository]:
    yield GOLD
    parts = entry.path.rsplit("-", 2)
    if len(parts) < 3:
        return  # the name of a Dockerfile without version and release
    version = f"{parts[1]}-{parts[2]}"
    labels = dockerfile.labels(collector.text(entry, data).decode("utf-8", "replace"))
    component, name, arch = (labels.get(key, "") for key in ("com.redhat.component", "name", "architecture"))
    try:
        normalized(version)
    except InvalidVersion:
        return  # upstream says: images that do not use such versions, as UBI
    if component and name and arch:
        yield from _image(
            entry, name=name, source=component, version=version, arch=arch, repository=GOLD.name
        )


class LabelsDetector:
    """Reads the labels of newer builds."""

    name = "rhel_package_container_detector"
    version = "2"
    kind = "package"
    reads_text = True

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True for the two places of the labels."""
        return path in _LABELS

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits, _from_labels)


class DockerfileDetector:
    """Reads the Dockerfiles of older builds."""

    name = "rhel_containerscanner"
    version = "1"
    kind = "package"
    reads_text = True

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True for `root/buildinfo/Dockerfile-<name>-<version>-<release>`."""
        return path.startswith(_DOCKERFILE) and "/" not in path[len(_DOCKERFILE) :]

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits, _from_dockerfile)


DETECTORS = (LabelsDetector(), DockerfileDetector())
