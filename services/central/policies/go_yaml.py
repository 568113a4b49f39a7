"""YAML as Go's yaml.v3 writes it, with an indentation of two. Pure.

Resources that are saved stand in people's repositories beside those of an RHACS, where a
difference of quotes would be a change. Rules for styles are those of yaml.v3 (encode.go).
"""

from __future__ import annotations

import re
from typing import Any

import yaml

# What a reader of YAML 1.1 takes for a truth value, and yaml.v3 therefore quotes.
_OLD_BOOLEANS = re.compile(r"(?:y|yes|on|n|no|off)", re.IGNORECASE)
_NUMBERS = re.compile(
    r"""[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?   # 1e3 needs no point in Go
      | [-+]?0o?[0-7_]+ | [-+]?0x[0-9a-fA-F_]+ | [-+]?0b[01_]+ | [-+]?[0-9][0-9_]*
      | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?            # of base 60
    """,
    re.VERBOSE,
)
_TEXT = "tag:yaml.org,2002:str"
# PyYAML has tags of their own for `*`, `&`, `!` and `=`, which are texts to Go.
_TEXTS = frozenset({_TEXT, "tag:yaml.org,2002:yaml", "tag:yaml.org,2002:value"})


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key, and no value refers to another."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - the library's form
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the library's form
        return True


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    return dumper.represent_scalar(_TEXT, value, style=_style(dumper, value))


def _style(dumper: _Dumper, value: str) -> str | None:
    if "\n" in value:
        return "|"
    tag: str = dumper.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]  # the library's
    plain = tag in _TEXTS
    return None if plain and not _OLD_BOOLEANS.fullmatch(value) and not _NUMBERS.fullmatch(value) else '"'


_Dumper.add_representer(str, _text)


def dump(value: dict[str, Any]) -> str:
    """The document."""
    made: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=False,
        sort_keys=False,
        allow_unicode=True,
        width=float("inf"),
        indent=2,
    )
    return made
