"""Files of cases as numbered lines: plain or gzip, however long they are.

The policy test reads them through this module. A file is never held whole, and a line only
up to the limit of `pyrox.policy.caselines`.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from pyrox.policy.caselines import LONGEST_LINE

_GZIP = b"\x1f\x8b"
_CHUNK = 1024 * 1024
_BROKEN = (OSError, EOFError, zlib.error)


@dataclass(frozen=True, slots=True)
class Line:
    """One line and where it stands; `broken` says why there are no further ones."""

    where: str
    content: bytes
    broken: str = ""


def read(name: str) -> Iterator[Line]:
    """The lines of the file that are not blank, numbered with those that are.

    A line over the limit comes cut one byte behind it; a file that breaks off, with a line
    that says so.
    """
    number = 0
    try:
        with Path(name).open("rb") as file:
            packed = file.peek(len(_GZIP)).startswith(_GZIP)
            lines = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file
            while content := lines.readline(LONGEST_LINE + 1):
                number += 1
                _skip_rest(lines, content)
                if content.strip():
                    yield Line(f"{name}: line {number}", content)
    except _BROKEN as error:
        yield Line(f"{name}: line {number + 1}", b"", f"the file cannot be read further: {error}")


def _skip_rest(lines: IO[bytes], content: bytes) -> None:
    if len(content) <= LONGEST_LINE:
        return
    while content and not content.endswith(b"\n"):
        content = lines.readline(_CHUNK)
