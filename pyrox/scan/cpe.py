"""CPE names: Red Hat's feeds write them as URIs, reports carry them as formatted strings.

Parsers of advisories and readers of repositories turn every name into the formatted string;
matching asks whether an advisory's name covers that of a repository (NIST IR 7695 and 7696).
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import zip_longest
from typing import Final

_ATTRIBUTES: Final = 11
_MAX: Final = 1024
_URI: Final = "cpe:/"
_FORMATTED: Final = "cpe:2.3:"
_PERCENT: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]")
_PIECES: Final = re.compile(r"((?:[^\\:]|\\.)*)(?::|$)", re.DOTALL)
_WILD: Final = {"01": "?", "02": "*"}
_SIGNS: Final = re.compile(r"\\.|.", re.DOTALL)
_WILDCARDS: Final = {"*": ".*", "?": ".?"}
_MAX_WILD: Final = 8  # the standard allows them at the ends only; more would only cost time


def formatted(name: str) -> str:
    """The formatted string of a URI or of a formatted string; empty when it is neither.

    Red Hat writes a bare `*` or `?` in URIs where the standard wants `%02` and `%01`; both are
    read as the wildcard.
    """
    if len(name) > _MAX:
        return ""
    if name.startswith(_FORMATTED):
        values = _split(name[len(_FORMATTED) :])
        return _FORMATTED + ":".join(values) if len(values) == _ATTRIBUTES else ""
    if not name.startswith(_URI):
        return ""
    values = [_from_uri(value) for value in _unpacked(name[len(_URI) :].split(":"))]
    if len(values) > _ATTRIBUTES or values[0] not in {"a", "o", "h", "*"}:
        return ""
    return _FORMATTED + ":".join(values + ["*"] * (_ATTRIBUTES - len(values)))


def _unpacked(values: list[str]) -> list[str]:
    """The edition may hold five attributes, each after a tilde; the language stands between."""
    if len(values) < 6 or not values[5].startswith("~"):
        return values
    edition, software, target, hardware, other = (values[5].split("~")[1:] + [""] * 5)[:5]
    return [*values[:5], edition, *(values[6:7] or [""]), software, target, hardware, other]


def _from_uri(value: str) -> str:
    if not value:
        return "*"
    if value == "-":
        return value
    out: list[str] = []
    position = 0
    while position < len(value):
        found = _PERCENT.match(value, position)
        if found:
            out.append(_WILD.get(found[1]) or _escaped(chr(int(found[1], 16))))
            position = found.end()
            continue
        sign = value[position]
        wild = sign == "?" or (sign == "*" and position == len(value) - 1)
        out.append(sign if wild else _escaped(sign))
        position += 1
    return "".join(out).lower()


def _escaped(sign: str) -> str:
    return sign if _PLAIN.match(sign) else f"\\{sign}"


def _split(text: str) -> list[str]:
    values: list[str] = []
    position = 0
    while position <= len(text) and len(values) <= _ATTRIBUTES:
        found = _PIECES.match(text, position)
        if found is None:
            return []
        values.append(found[1].lower())
        if found.end() == len(text) and not found[0].endswith(":"):
            break
        position = found.end()
    return values


@lru_cache(maxsize=65536)
def covers(advisory: str, repository: str) -> bool:
    """True when the advisory's name, as a pattern, holds for the repository's.

    Either it is a superset in the sense of the standard, or the repository's begins with it:
    Red Hat means `cpe:/a:redhat:openshift:4` to cover `cpe:/a:redhat:openshift:4.13::el8`, and
    upstream cuts what only fills up (rhel/matcher.go, `IsCPESubstringMatch`).
    """
    if repository.startswith(advisory.rstrip(":*")):
        return True
    if not (advisory.startswith(_FORMATTED) and repository.startswith(_FORMATTED)):
        return False
    ours, theirs = _split(advisory[len(_FORMATTED) :]), _split(repository[len(_FORMATTED) :])
    return all(_superset(one, two) for one, two in zip_longest(ours, theirs, fillvalue="*"))


def _superset(pattern: str, value: str) -> bool:
    if pattern in {"*", value}:
        return True
    if value in {"*", "-"} or pattern == "-" or not 0 < _wild(pattern) <= _MAX_WILD or _wild(value):
        return False
    return re.fullmatch(_expression(pattern), value) is not None


def _wild(value: str) -> int:
    """How many wildcards a value has."""
    return sum(piece in _WILDCARDS for piece in _SIGNS.findall(value))


def _expression(pattern: str) -> str:
    return "".join(_WILDCARDS.get(piece) or re.escape(piece) for piece in _SIGNS.findall(pattern))
