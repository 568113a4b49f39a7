"""A YAML file of settings with dotted keys, each of which the environment may override.

Upstream's scanner is configured so: `indexer: {enable: true}` is the key `indexer.enable`,
and `SCANNER_V4_INDEXER_ENABLE` wins over it. The caller brings the table of keys; this
module must not know any of them, and opens no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from pyrox.errors import Invalid

# Key to (reader of its text, default).
Keys = Mapping[str, tuple[Callable[[str], Any], Any]]

_MAX_FILE = 1024 * 1024
_MOST_NAMED = 10  # unknown keys in one message


def read(raw: bytes, environment: Mapping[str, str], keys: Keys, *, prefix: str) -> dict[str, Any]:
    """Every key's value: from the environment, else the file, else its default.

    `prefix` plus the key in capitals, dots as underscores, is its variable. Raises
    `Invalid` that names the key or variable to mend; an unknown key is an error.
    """
    if len(raw) > _MAX_FILE:
        raise Invalid("the configuration file is larger than 1 MiB")
    try:
        document = yaml.safe_load(raw) or {}
    except (yaml.YAMLError, RecursionError) as err:
        raise Invalid(f"the configuration file is not YAML: {err}") from err
    written = dict(_flat(document, "", keys))
    if unknown := sorted(written.keys() - keys.keys()):
        raise Invalid(f"the configuration file has unknown keys: {', '.join(unknown[:_MOST_NAMED])}")
    values = {}
    for key, (parse, default) in keys.items():
        variable = f"{prefix}{key.replace('.', '_').upper()}"
        if text := environment.get(variable, ""):
            values[key] = _parsed(variable, text, parse)
        elif (value := written.get(key)) is not None:
            values[key] = _parsed(key, _text(value), parse)
        else:
            values[key] = default
    return values


def _flat(node: Any, path: str, keys: Keys) -> list[tuple[str, Any]]:
    if not isinstance(node, dict):
        raise Invalid(f"the configuration file: {path or 'it'} must be a mapping")
    pairs: list[tuple[str, Any]] = []
    for name, value in node.items():
        key = f"{path}.{name}" if path else str(name)
        if key in keys or not any(known.startswith(f"{key}.") for known in keys):
            pairs.append((key, value))
        elif value is not None:
            pairs.extend(_flat(value, key, keys))
    return pairs


def _parsed(name: str, text: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except ValueError as err:
        raise Invalid(f"{name}={text!r}: {err}") from err


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
