"""Reads the arrays of texts that PHP programs keep as code, without running PHP.

`pyrox.scan.ecosystems.composer` reads `installed.php` with it. Everything that is neither a
quoted text nor an array is passed over, so a file of another kind gives little or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(
    r"'((?:[^'\\]|\\.)*+)'|\"((?:[^\"\\]|\\.)*+)\"|(=>)|(\barray\s*+\(|\[)|([)\]])|(,)|(\bnull\b|\btrue\b|\bfalse\b|\d++)",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(['\"\\])")
_MAX_DEPTH: Final = 16


def texts(code: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text in the arrays, after the keys that lead to it; elements without a key have ``""``."""
    keys: list[str] = []
    key, value = "", None
    for token in _TOKEN.finditer(code):
        kind = token.lastindex
        if kind in {1, 2}:
            value = _ESCAPE.sub(r"\1", token[kind])
        elif kind == 3:
            key, value = value or "", None
        elif kind == 4:
            if len(keys) >= _MAX_DEPTH:
                return
            keys.append(key)
            key, value = "", None
        elif kind in {5, 6}:
            if value is not None and keys:
                yield (*keys[1:], key), value
            key, value = "", None
            if kind == 5 and keys:
                keys.pop()
