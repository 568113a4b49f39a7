"""Addresses that registries or people name, taken apart; malformed ones are `Invalid`.

Called by `transport`, `auth` and `client`. It must not know what is asked at an address.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

from pyrox.errors import Invalid

_MOST_SHOWN = 200


def split(url: str) -> SplitResult:
    """The parts of an address; `Invalid` when its host or its port cannot be read."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as err:
        raise malformed(url, err) from err
    if port == 0:
        raise malformed(url, "no server listens on port 0")
    return parts


def join(url: str, location: str) -> str:
    """Where a relative or absolute location leads; `Invalid` when it cannot be read."""
    try:
        return urljoin(url, location)
    except ValueError as err:
        raise malformed(location, err) from err


def malformed(url: str, reason: object) -> Invalid:
    """The error for an address that cannot be read, with what is wrong with it."""
    return Invalid(f"registry address {url[:_MOST_SHOWN]!r}: {reason}; expected http(s)://host[:port]")
