"""A chart's values.yaml with its comments: the one source of the schema and the README table.

Read by tools/gen_chart_docs.py. A key is described by the comment right above it: lines
after `# -- ` are its description, `# @schema {…}` holds JSON that the schema takes over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


class Undescribed(Exception):
    """A value whose meaning or type nobody wrote down; the text names it."""


@dataclass(frozen=True, slots=True)
class Value:
    """One key of values.yaml."""

    path: str
    default: Any
    description: str
    schema: dict[str, Any] = field(default_factory=dict)
    children: tuple[Value, ...] = ()

    @property
    def key(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def is_open(self) -> bool:
        """Whether a definition or the user says what may stand below."""
        return "$ref" in self.schema or self.schema.get("additionalProperties", False) is not False

    @property
    def described_children(self) -> tuple[Value, ...]:
        """The keys below that values.yaml itself describes."""
        return () if self.is_open else self.children


def load(path: Path) -> Value:
    """The whole file as one value with an empty path. Raises `Undescribed`."""
    text = path.read_text()
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return _value("", node, "", {}, text.splitlines())


def _value(path: str, node: Any, description: str, schema: dict[str, Any], lines: list[str]) -> Value:
    children = []
    if isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            below = f"{path}.{key.value}" if path else key.value
            about, wanted = _comment(lines, key.start_mark.line, below)
            children.append(_value(below, child, about, wanted, lines))
    return Value(path, _plain(node), description, schema, tuple(children))


def _plain(node: Any) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    finally:
        loader.dispose()


def _comment(lines: list[str], line: int, path: str) -> tuple[str, dict[str, Any]]:
    indent = len(lines[line]) - len(lines[line].lstrip())
    block: list[str] = []
    while line > 0 and lines[line - 1].strip().startswith("#"):
        line -= 1
        if len(lines[line]) - len(lines[line].lstrip()) != indent:
            break
        block.insert(0, lines[line].strip().removeprefix("#").strip())
    starts = [index for index, text in enumerate(block) if text.startswith("-- ")]
    block = block[starts[-1] :] if starts else block
    schema: dict[str, Any] = {}
    for text in block:
        if text.startswith("@schema "):
            try:
                schema |= json.loads(text.removeprefix("@schema "))
            except json.JSONDecodeError as err:
                raise Undescribed(f"{path}: @schema is not JSON: {err}") from err
    words = [text for text in block if not text.startswith("@schema ")] if starts else []
    return " ".join(words).removeprefix("-- ").strip(), schema
