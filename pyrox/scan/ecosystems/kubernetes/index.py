"""Finds programs of Kubernetes and Istio, by name and by what Go's linker wrote into them.

On a host these are the kubelet and its like, in an image the component that it ships.
"""

from __future__ import annotations

from typing import BinaryIO, Final

from pyrox.scan.formats import gobuild
from pyrox.scan.formats.run import Collector
from pyrox.scan.model import Finds, Package, Repository
from pyrox.scan.platform import COMPONENTS, component_version
from pyrox.scan.protocols import Entry, Limits

ECOSYSTEM: Final = "kubernetes"
REPOSITORY: Final = Repository(name="kubernetes")
_EXECUTABLE: Final = 0o111


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one program; one that hides its version, or is another's, is no note."""
        self._collector.begin(entry.path)
        try:
            version = component_version(gobuild.read(data))
        except gobuild.NoBuildInfo:
            return
        if version:
            package = Package(
                name=COMPONENTS[entry.path.rpartition("/")[2]],
                version=version,
                ecosystem=ECOSYSTEM,
                package_db=f"kubernetes:{entry.path}",
                filepath=entry.path,
                repository=REPOSITORY.name,
            )
            self._collector.add(entry.path, package)

    def finish(self) -> Finds:
        """The components of the layer."""
        return self._collector.finds(REPOSITORY)


class KubernetesDetector:
    """Reads programs with the names of components."""

    name = "kubernetes"
    version = "1"
    kind = "package"
    reads_text = False

    def wants(self, path: str, mode: int) -> bool:
        """True for executables of those names."""
        return bool(mode & _EXECUTABLE) and path.rpartition("/")[2] in COMPONENTS

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (KubernetesDetector(),)
