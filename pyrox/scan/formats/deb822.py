"""Stanzas of `Field: value` lines (deb822), as dpkg's status file has them."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO


def stanzas(data: bytes, fields: frozenset[bytes]) -> Iterator[dict[bytes, str]]:
    """Each stanza's wanted fields (named in lower case); continuation lines are left out.

    A line that is neither a field nor a continuation appears under the key `b""`.
    """
    current: dict[bytes, str] = {}
    for line in BytesIO(data):  # one line at a time: hostile files are all line ends
        if not line.strip():
            if current:
                yield current
            current = {}
        elif line[:1] not in b" \t":
            name, colon, value = line.partition(b":")
            key = name.strip().lower()
            if not colon:
                current[b""] = line.rstrip(b"\n").decode("utf-8", "replace")
            elif key in fields:
                current[key] = value.strip().decode("utf-8", "replace")
    if current:
        yield current
