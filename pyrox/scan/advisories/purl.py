"""Package URLs, as far as Red Hat's documents use them.

The parsers of CSAF documents call it. A text that is no package URL gives None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote

_MAX: Final = 2048
_MAX_QUALIFIERS: Final = 32


@dataclass(frozen=True, slots=True)
class PackageUrl:
    """The parts of a package URL; absent ones are empty."""

    kind: str
    namespace: str
    name: str
    version: str = ""
    qualifiers: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> PackageUrl | None:
    """The parts of `pkg:kind/namespace/name@version?qualifiers#subpath`."""
    if not text.startswith("pkg:") or len(text) > _MAX:
        return None
    rest, _, query = text.removeprefix("pkg:").partition("#")[0].partition("?")
    kind, _, path = rest.lstrip("/").partition("/")
    path, _, version = path.partition("@")
    namespace, _, name = path.strip("/").rpartition("/")
    if not kind or not name:
        return None
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_QUALIFIERS)
    except ValueError:
        return None
    return PackageUrl(
        kind=kind.lower(),
        namespace=unquote(namespace),
        name=unquote(name),
        version=unquote(version),
        qualifiers={key.lower(): value for key, value in pairs},
    )
