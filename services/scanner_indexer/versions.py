"""Order of Indexer versions, for reports that secured clusters send in.

Used by `api` and `store`. Upstream's version texts look like `4.9.0`,
`4.9.x-123-gabcdef` or `4.9.0-rc.1`; anything else has no place in the order.
"""

from __future__ import annotations

import re

_VERSION = re.compile(
    r"(\d{1,6})\.(\d{1,6})\.(x|\d{1,6})(?:-(rc\.(\d{1,6})|(\d{1,9})-g[0-9a-f]+)(?:-dirty)?)?"
)
_Key = tuple[int, int, int, int, int]


def order_key(version: str) -> _Key | None:
    """Something to compare, or None for a text that is no version."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    major, minor, patch, suffix, candidate, commits = match.groups()
    # A development build of 4.9.x comes before 4.9.0's candidates.
    last = -1 if patch == "x" else int(patch)
    if suffix is None:
        return int(major), int(minor), last, 2, 0
    return int(major), int(minor), last, 1 if candidate else 3, int(candidate or commits)


def overwrites(incoming: str, stored: str) -> bool:
    """Whether a report of `incoming` takes the place of one of `stored`.

    As upstream: when both are versions and the incoming is not older, when only the
    incoming is one, and when neither is.
    """
    new, old = order_key(incoming), order_key(stored)
    if new is None:
        return old is None
    return old is None or new >= old
