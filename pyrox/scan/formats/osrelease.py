"""os-release and lsb-release files, and the detector frame for distributions.

Each ecosystem says how it reads its own distributions; here is what they share.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import BinaryIO, Final

from pyrox.scan.model import Distribution, Finds
from pyrox.scan.protocols import Entry, Limits

OS_RELEASE: Final = ("etc/os-release", "usr/lib/os-release")
_LINE: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_ESCAPE: Final = re.compile(r"\\(.)")
MAX_BYTES: Final = 65_536


def parse(text: str) -> dict[str, str]:
    """Names and unquoted values; lines that are no assignment are left out."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        found = _LINE.match(line)
        if found:
            values[found[1]] = _unquote(found[2].strip())
    return values


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) > 1 and value[0] == value[-1] == '"':
        return _ESCAPE.sub(r"\1", value[1:-1])
    return _ESCAPE.sub(r"\1", value)


def release(files: Mapping[str, str]) -> dict[str, str]:
    """The first os-release that the layer has, parsed; empty without one."""
    return next((parse(files[path]) for path in OS_RELEASE if path in files), {})


Reader = Callable[[Mapping[str, str]], Distribution | None]


class DistributionDetector:
    """Reads the named files of a layer and lets `read` decide which distribution they mean."""

    kind = "distribution"
    reads_text = True

    def __init__(self, name: str, version: str, read: Reader, *, extra: tuple[str, ...] = ()) -> None:
        self.name = name
        self.version = version
        self._read = read
        self._paths = frozenset(OS_RELEASE + extra)

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True for the files that name the system."""
        return path in self._paths

    def start(self, limits: Limits) -> _Run:  # noqa: ARG002 - the protocol's signature
        """A fresh run for one layer."""
        return _Run(self._read)


class _Run:
    def __init__(self, read: Reader) -> None:
        self._read = read
        self._files: dict[str, str] = {}

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Keep the beginning of the file."""
        self._files[entry.path] = data.read(MAX_BYTES).decode("utf-8", "replace")

    def finish(self) -> Finds:
        """The distribution, if the files name one that this detector knows."""
        found = self._read(self._files) if self._files else None
        return Finds(distributions=(found,)) if found else Finds()
