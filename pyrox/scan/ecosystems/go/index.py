"""Finds the modules of Go executables, their main module and the toolchain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from pyrox.scan.ecosystems.go.version import SCHEME
from pyrox.scan.formats import gobuild
from pyrox.scan.formats.run import Collector
from pyrox.scan.model import Finds, NormalizedVersion, Package, Repository
from pyrox.scan.protocols import Entry, Limits
from pyrox.scan.versions import InvalidVersion

ECOSYSTEM: Final = "go"
REPOSITORY: Final = Repository(name="go")
_EXECUTABLE: Final = 0o111
# What `go version` looks at in a directory: files that may be run, and shared libraries by name.
_LIBRARY: Final = re.compile(r"\.so(?:\.[^/]*)?$")
_WINDOWS: Final = (".exe", ".dll")
_SCRIPT: Final = (".py", ".sh", ".pl", ".rb", ".js", ".a", ".o")
_DEVEL: Final = "(devel)"
_COMMITS: Final = (40, 64)  # hexadecimal digits of SHA-1 and SHA-256
_PART: Final = 999_999_999  # upstream keeps nine digits of each number


def normalized(version: str) -> NormalizedVersion:
    """Upstream's numbers: 0, major, minor, patch; empty for a version without them."""
    try:
        numbers = SCHEME.parts(version).numbers[:3]
    except InvalidVersion:
        return NormalizedVersion()
    padded = (0, *(min(number, _PART) for number in numbers), *(0,) * (9 - len(numbers)))
    return NormalizedVersion("semver", padded)


def main_version(info: gobuild.BuildInfo) -> str:
    """The main module's version; one without a version carries what the build knew of its source.

    The words are claircore's (gobin/exe.go).
    """
    version = info.main.version if info.main else ""
    if version != _DEVEL:
        return version
    known = [text for key, value in info.settings if (text := _vcs(key, value))]
    return f"{_DEVEL} ({', '.join(known)})" if known else _DEVEL


def _vcs(key: str, value: str) -> str:
    if key == "vcs":
        return value
    if key == "vcs.revision":
        return f"{'commit' if len(value) in _COMMITS else 'rev'} {value}"
    if key == "vcs.time":
        return f"built at {value}"
    return "dirty" if key == "vcs.modified" and value == "true" else ""


def _modules(info: gobuild.BuildInfo) -> Iterator[gobuild.Module]:
    toolchain = info.go_version.removeprefix("go").partition(" ")[0]
    yield gobuild.Module("stdlib", toolchain)
    if info.main is not None and info.main.path:
        yield gobuild.Module(info.main.path, main_version(info))
    yield from (module for module in info.modules if module.path)


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one executable; most are not Go's, which is no note."""
        self._collector.begin(entry.path)
        try:
            info = gobuild.read(data)
        except gobuild.NoBuildInfo:
            return
        for module in dict.fromkeys(_modules(info)):
            package = Package(
                name=module.path,
                version=module.version,
                ecosystem=ECOSYSTEM,
                package_db=f"go:{entry.path}",
                filepath=entry.path,
                repository=REPOSITORY.name,
                normalized=normalized(module.version),
            )
            if not self._collector.add(entry.path, package):
                return

    def finish(self) -> Finds:
        """The modules of the layer's executables."""
        return self._collector.finds(REPOSITORY)


class GoDetector:
    """Reads the build information of executable files."""

    name = "gobin"
    version = "8"
    kind = "package"
    reads_text = False

    def wants(self, path: str, mode: int) -> bool:
        """True for a file that may be run and is no script by its name, and for shared libraries."""
        if mode & _EXECUTABLE:
            return not path.endswith(_SCRIPT)
        return path.endswith(_WINDOWS) or (".so" in path and bool(_LIBRARY.search(path)))

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (GoDetector(),)
