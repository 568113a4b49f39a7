"""values.schema.json of a chart: made from values.yaml, closed at every level.

Used by tools/gen_chart_docs.py. JSON schema has no messages of its own, so each closed
object also has patterns of near misses of its keys, whose only legal value is a text
that names the right key: Helm prints it when a user misspells one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.chart_values import Undescribed, Value

Schema = dict[str, Any]

DEFINITIONS = Path(__file__).resolve().parent / "chart_definitions.json"
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def build(root: Value, *, title: str) -> Schema:
    """The schema of a whole values.yaml. Raises `Undescribed`."""
    definitions = json.loads(DEFINITIONS.read_text())
    top: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **_of(root),
    }
    used = _used(top, definitions)
    if used:
        top["$defs"] = {name: definitions[name] for name in sorted(used)}
    _close(top)
    return top


def _of(value: Value) -> Schema:
    if value.path and not value.description:
        raise Undescribed(f"{value.path}: no description; write `# -- …` above it")
    about = {"description": value.description} if value.description else {}
    if "$ref" in value.schema:
        return {**about, **value.schema}
    derived: Schema = {}
    if value.default is not None:
        derived["type"] = _TYPES[type(value.default)]
    if value.described_children:
        derived["properties"] = {child.key: _of(child) for child in value.described_children}
    made = {**about, **derived, **value.schema}
    if "type" not in made and not {"enum", "const", "anyOf", "oneOf"} & made.keys():
        raise Undescribed(f"{value.path}: null by default; say its type with `# @schema`")
    if made.get("type") == "object" and not made.get("properties") and "additionalProperties" not in made:
        raise Undescribed(f"{value.path}: an object without keys; say what may stand in it with `# @schema`")
    return made


def _used(node: Any, definitions: dict[str, Schema]) -> set[str]:
    found: set[str] = set()
    for reference in _references(node):
        found |= {reference} | _used(definitions[reference], definitions)
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix("#/$defs/")
        for part in node.values():
            yield from _references(part)
    elif isinstance(node, list):
        for part in node:
            yield from _references(part)


def _close(node: Any) -> None:
    if isinstance(node, list):
        for part in node:
            _close(part)
    if not isinstance(node, dict):
        return
    properties = node.get("properties")
    if (
        node.get("type") == "object"
        and isinstance(properties, dict)
        and node.setdefault("additionalProperties", False) is False
    ):
        node["patternProperties"] = hints(list(properties))
        node["propertyNames"] = {"enum": sorted(properties)}
    for part in node.values():
        _close(part)


def hints(keys: list[str]) -> dict[str, Schema]:
    """Patterns of misspelt keys, each with a schema that nothing meets and that names the key."""
    made = {}
    for key in sorted(keys):
        wrong = [text for text in _near(key) if not any(re.fullmatch(text, other) for other in keys)]
        pattern = f"^(?:{'|'.join(wrong)})$"
        made[pattern] = {"const": f'unknown value: did you mean "{key}"?'}
    return made


def _near(key: str) -> Iterator[str]:
    """Regular expressions of everything one slip of the keyboard away; none takes the key itself."""
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", key)
    spellings = {
        key.lower(),
        key[:1].upper() + key[1:],
        key[:1].lower() + key[1:],
        "".join(words[:1]).lower() + "".join(word.capitalize() for word in words[1:]),
        "_".join(words).lower(),
        "-".join(words).lower(),
        "".join(word.capitalize() for word in words),
    }
    yield from (re.escape(text) for text in sorted(spellings - {key, ""}))
    # For each place: another character or none instead of this one, one more before it, two exchanged.
    for index, character in enumerate(key):
        before, this, after = re.escape(key[:index]), re.escape(character), re.escape(key[index + 1 :])
        yield f"{before}(?:[^{this}]?{after}|.{this}{after})" if len(key) > 1 else f".{this}"
        if index + 1 < len(key) and character != key[index + 1]:
            yield f"{before}{re.escape(key[index + 1])}{this}{re.escape(key[index + 2 :])}"
    yield f"{re.escape(key)}."
