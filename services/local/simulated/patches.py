"""The patch forms of the Kubernetes API, as far as clients of the simulated cluster use them.

Pure functions from an object and a patch to a new object.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def merge(target: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(target: Any, patch: Any) -> Any:
    """A strategic merge: lists of named things are merged by name, other lists replaced."""
    if isinstance(patch, list):
        return _named(target if isinstance(target, list) else [], patch) if _is_named(patch) else patch
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            result.pop(key, None)
        else:
            result[key] = strategic(result.get(key), value)
    return result


def _is_named(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, dict) and "name" in item for item in items)


def _named(target: list[Any], patch: list[Any]) -> list[Any]:
    merged = {item["name"]: item for item in target if isinstance(item, dict) and "name" in item}
    for item in patch:
        if item.get("$patch") == "delete":
            merged.pop(item["name"], None)
        else:
            merged[item["name"]] = strategic(merged.get(item["name"]), item)
    return list(merged.values())
