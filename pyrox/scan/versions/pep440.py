"""Python's version order (PEP 440), with setuptools' old order for texts outside it.

Texts that PEP 440 refuses sort below all others, among themselves as pkg_resources ordered
them: installed metadata and advisories still hold such versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyrox.scan.versions.base import InvalidVersion, Scheme, check_length, num, sign
from pyrox.scan.versions.base import text as encode_text

# The grammar of PEP 440, appendix B.
_VERSION: Final = re.compile(
    r"""\s*v?
    (?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>[0-9]+)?)?
    (?P<post>-(?P<post_n1>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_n2>[0-9]+)?)?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_n>[0-9]+)?)?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_PRE: Final = {"a": 1, "alpha": 1, "b": 2, "beta": 2, "c": 3, "rc": 3, "pre": 3, "preview": 3}
_PRE_NAMES: Final = {1: "a", 2: "b", 3: "rc"}
_DEV_ONLY, _NO_PRE = 0, 4
_LEGACY_PARTS: Final = re.compile(r"([0-9]+|[a-z]+|\.|-)")
_LEGACY_NAMES: Final = {"pre": "c", "preview": "c", "-": "final-", "rc": "c", "dev": "@"}
_LEGACY, _MODERN = b"\x01", b"\x02"


@dataclass(frozen=True, slots=True)
class Pep440:
    """A version inside PEP 440, taken apart; numbers are kept as integers."""

    epoch: int
    release: tuple[int, ...]
    pre: tuple[int, int]
    post: int | None
    dev: int | None
    local: tuple[str, ...]

    def order(self) -> tuple[object, ...]:
        """A tuple that sorts as the versions do."""
        local = tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in self.local)
        return (
            self.epoch,
            _trimmed(self.release),
            self.pre,
            -1 if self.post is None else self.post,
            (1, 0) if self.dev is None else (0, self.dev),
            (1, local) if local else (0, ()),
        )


def _trimmed(release: tuple[int, ...]) -> tuple[int, ...]:
    end = len(release)
    while end and release[end - 1] == 0:
        end -= 1
    return release[:end]


def parse(version: str) -> Pep440 | None:
    """The parts, or None when PEP 440 refuses the text."""
    check_length(version)
    found = _VERSION.fullmatch(version)
    if found is None:
        return None
    dev = int(found["dev_n"] or 0) if found["dev"] else None
    post = int(found["post_n1"] or found["post_n2"] or 0) if found["post"] else None
    if found["pre"]:
        pre = (_PRE[found["pre"].lower()], int(found["pre_n"] or 0))
    else:
        pre = (_DEV_ONLY if dev is not None and post is None else _NO_PRE, 0)
    local = tuple(re.split(r"[-_.]", found["local"].lower())) if found["local"] else ()
    release = tuple(map(int, found["release"].split(".")))
    return Pep440(int(found["epoch"] or 0), release, pre, post, dev, local)


def canonical(version: str) -> str | None:
    """The normal form without the local part, as upstream's indexer prints it; None outside PEP 440."""
    parts = parse(version)
    if parts is None:
        return None
    out = f"{parts.epoch}!" if parts.epoch else ""
    out += ".".join(map(str, parts.release))
    if parts.pre[0] in _PRE_NAMES:
        out += f"{_PRE_NAMES[parts.pre[0]]}{parts.pre[1]}"
    out += f".post{parts.post}" if parts.post is not None else ""
    return out + (f".dev{parts.dev}" if parts.dev is not None else "")


def _legacy_parts(version: str) -> Iterator[str]:
    for raw in _LEGACY_PARTS.split(version):
        part = _LEGACY_NAMES.get(raw, raw)
        if not part or part == ".":
            continue
        yield part.zfill(8) if part[0] in "0123456789" else "*" + part
    yield "*final"


def _legacy(version: str) -> tuple[str, ...]:
    """The sort key of pkg_resources before PEP 440."""
    parts: list[str] = []
    for part in _legacy_parts(version.lower()):
        if part.startswith("*"):
            if part < "*final":
                while parts and parts[-1] == "*final-":
                    parts.pop()
            while parts and parts[-1] == "00000000":
                parts.pop()
        parts.append(part)
    return tuple(parts)


def _base_key(parts: Pep440) -> bytes:
    """Everything but the local part."""
    out = bytearray(_MODERN + num(str(parts.epoch)))
    for number in _trimmed(parts.release):
        out += b"\x02" + num(str(number))
    out.append(1)
    out.append(parts.pre[0])
    if parts.pre[0] in _PRE_NAMES:
        out += num(str(parts.pre[1]))
    out += b"\x00" if parts.post is None else b"\x01" + num(str(parts.post))
    out += b"\x01" if parts.dev is None else b"\x00" + num(str(parts.dev))
    return bytes(out)


def _local_key(local: tuple[str, ...]) -> bytes:
    if not local:
        return b"\x00"
    segments = (b"\x02" + num(s) if s.isdigit() else b"\x01" + encode_text(s) for s in local)
    return b"\x01" + b"".join(segments) + b"\x00"


class PythonScheme(Scheme):
    """The order of `packaging.version`, with its former `LegacyVersion` below."""

    name = "pep440"

    def compare(self, a: str, b: str) -> int:
        """-1, 0 or 1; raises `InvalidVersion` for an empty or overlong text."""
        one, two = self._ordered(a), self._ordered(b)
        return sign(one, two)

    def key(self, text: str) -> bytes:
        """The parts in order; raises `InvalidVersion` for an empty or overlong text."""
        parts = parse(text)
        if parts is not None:
            return _base_key(parts) + _local_key(parts.local)
        self._require(text)
        return _LEGACY + b"".join(b"\x01" + encode_text(p) for p in _legacy(text)) + b"\x00"

    def after(self, text: str) -> bytes:
        """A bound without a local part includes every local version of it (PEP 440, `<=`)."""
        parts = parse(text)
        if parts is None or parts.local:
            return self.key(text) + b"\x00"
        return _base_key(parts) + b"\x02"

    def _ordered(self, version: str) -> tuple[object, ...]:
        parts = parse(version)
        if parts is not None:
            return (1, parts.order())
        self._require(version)
        return (0, _legacy(version))

    @staticmethod
    def _require(version: str) -> None:
        if not version.strip() or "\x00" in version:
            raise InvalidVersion(f"{version!r}: not a Python version")
