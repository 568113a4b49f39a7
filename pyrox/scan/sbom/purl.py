"""Package URLs as texts: taken apart and put together by the rules of their specification.

The writers and the reader of bills of material and of VEX documents use it. It must not
know what a package is here; `records` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

_MAX_CHARS: Final = 4096
_SCHEME: Final = "pkg:"
# The specification leaves these as they are in each segment.
_SAFE: Final = "-._~:"


class InvalidPurl(ValueError):
    """A text that is no package URL."""


@dataclass(frozen=True, slots=True)
class Purl:
    """The parts of a package URL, decoded."""

    type: str
    name: str
    version: str = ""
    namespace: str = ""
    qualifiers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """The canonical text: qualifiers sorted, empty ones left out."""
        spaces = [quote(part, safe=_SAFE) for part in self.namespace.split("/") if part]
        path = "/".join((self.type, *spaces, quote(self.name, safe=_SAFE)))
        version = f"@{quote(self.version, safe=_SAFE)}" if self.version else ""
        pairs = [f"{key}={quote(self.qualifiers[key], safe=_SAFE + '/')}" for key in sorted(self.qualifiers)]
        query = "&".join(pair for pair in pairs if not pair.endswith("="))
        return f"{_SCHEME}{path}{version}" + (f"?{query}" if query else "")


def parse(text: str) -> Purl:
    """The parts of the text; a subpath is dropped.

    Raises:
        InvalidPurl: the text has no scheme, type or name, or is too long.
    """
    if len(text) > _MAX_CHARS or not text.lower().startswith(_SCHEME):
        raise InvalidPurl(f"no package URL: {text[:100]!r}")
    rest, _, _ = text[len(_SCHEME) :].lstrip("/").partition("#")
    rest, _, query = rest.partition("?")
    path, at, version = rest.rpartition("@")
    # An unquoted scope of npm has an @ too; a version has no slash.
    if not at or "/" in version:
        path, version = rest, ""
    parts = [part for part in path.split("/") if part]
    if len(parts) < 2:
        raise InvalidPurl(f"package URL without a type or name: {text[:100]!r}")
    kind, *spaces, name = parts
    namespace = "/".join(unquote(part) for part in spaces)
    return Purl(kind.lower(), unquote(name), unquote(version), namespace, _qualifiers(query))


def _qualifiers(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if key and value:
            found[key.lower()] = unquote(value)
    return found
