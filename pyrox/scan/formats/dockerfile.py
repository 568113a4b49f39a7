"""Reads the labels of a Dockerfile without building anything.

`pyrox.scan.ecosystems.rhcc` reads with it the Dockerfiles that Red Hat's older build system
left in its images. Variables have the values that the file itself gives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

_DIRECTIVE: Final = re.compile(r"#\s*escape\s*=\s*(\S)\s*", re.IGNORECASE)
_INSTRUCTION: Final = re.compile(r"\s*([A-Za-z]+)\s+(.*)", re.DOTALL)
_VARIABLE: Final = re.compile(
    r"\$(?:(?P<plain>[A-Za-z_]\w{0,255})|\{(?P<name>[A-Za-z_]\w{0,255})(?::(?P<how>[-+])(?P<word>[^}]{0,1024}))?\})"
)
_MAX_LINES: Final = 10_000
_MAX_VALUE: Final = 4096
_MAX_VALUES: Final = 1000


def labels(text: str) -> dict[str, str]:
    """The labels, the last value of each."""
    found: dict[str, str] = {}
    variables: dict[str, str] = {}
    escape = _escape(text)
    for name, rest in _instructions(text, escape):
        if name in {"ARG", "ENV"}:
            for key, value in _pairs(rest, escape, variables, bare=name == "ENV"):
                if len(variables) < _MAX_VALUES:
                    variables[key] = value
        elif name == "LABEL":
            for key, value in _pairs(rest, escape, variables, bare=True):
                if len(found) < _MAX_VALUES:
                    found[key] = value
    return found


def _escape(text: str) -> str:
    first = _DIRECTIVE.fullmatch(text.partition("\n")[0])
    return first[1] if first and first[1] in "`\\" else "\\"


def _instructions(text: str, escape: str) -> Iterator[tuple[str, str]]:
    """Names in capitals with what follows; continued lines are one, comments in between are not."""
    pieces: list[str] = []
    for line in text.splitlines()[:_MAX_LINES]:
        if line.lstrip().startswith("#") or (pieces and not line.strip()):
            continue
        stripped = line.rstrip()
        if stripped.endswith(escape):
            pieces.append(stripped[:-1])
            continue
        found = _INSTRUCTION.fullmatch("".join([*pieces, line]))
        pieces = []
        if found:
            yield found[1].upper(), found[2]


def _pairs(rest: str, escape: str, variables: Mapping[str, str], *, bare: bool) -> Iterator[tuple[str, str]]:
    """`key=value …`; with `bare`, also the older `key the rest of the line`."""
    words = list(_words(rest, escape, variables))
    if bare and words and not words[0][1]:
        key = words[0][0]
        yield key, " ".join(word if not equals else f"{word}={value}" for word, equals, value in words[1:])
        return
    for word, equals, value in words:
        if equals:
            yield word, value


def _words(rest: str, escape: str, variables: Mapping[str, str]) -> Iterator[tuple[str, bool, str]]:
    """Each word as the text before its first bare `=`, whether there is one, and the text after."""
    out, before, equals, quote, started = [], "", False, "", False
    position = 0
    while position < len(rest):
        sign = rest[position]
        position += 1
        if sign == escape and quote != "'" and position < len(rest):
            out.append(rest[position])
            position += 1
        elif sign in "\"'" and quote in {"", sign}:
            quote = "" if quote else sign
        elif sign == "$" and quote != "'" and (found := _VARIABLE.match(rest, position - 1)):
            out.append(_value(found, variables))
            position = found.end()
        elif sign.isspace() and not quote:
            if started:
                yield (before, True, "".join(out)) if equals else ("".join(out), False, "")
            out, before, equals, started = [], "", False, False
            continue
        elif sign == "=" and not quote and not equals:
            before, equals, out = "".join(out), True, []
        else:
            out.append(sign)
        started = True
    if started:
        yield (before, True, "".join(out)) if equals else ("".join(out), False, "")


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    known = variables.get(found["plain"] or found["name"], "")
    if found["how"] == "-":
        known = known or found["word"]
    elif found["how"] == "+":
        known = found["word"] if known else ""
    return known[:_MAX_VALUE]
