"""The default policies, their categories and the MITRE vectors they use.

Called by Central when it fills a new database, and by tests. It must not know storage.
The files lie beside this module in `defaults/` and `catalogue/` and are part of the package.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from google.protobuf import json_format

from pyrox.pb.storage.mitre_pb2 import MitreTactic, MitreTechnique
from pyrox.pb.storage.policy_category_pb2 import PolicyCategory
from pyrox.pb.storage.policy_pb2 import Policy


def load() -> tuple[Policy, ...]:
    """All default policies in the order of their names; fresh messages at each call."""
    policies = [_policy(file.read_bytes()) for file in _files()]
    return tuple(sorted(policies, key=lambda policy: policy.name.lower()))


def _policy(text: bytes) -> Policy:
    # Several times quicker than json_format, and as strict: the constructor refuses unknown
    # names. Our own files hold no times and no maps, whose JSON form is another.
    return Policy(**json.loads(text, object_pairs_hook=_by_field_name))


def _by_field_name(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {_field_name(name): value for name, value in pairs}


@cache
def _field_name(json_name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in json_name)


def _files() -> Iterator[Traversable]:
    for file in resources.files(__package__).joinpath("defaults").iterdir():
        if file.name.endswith(".json"):
            yield file


def load_categories() -> tuple[PolicyCategory, ...]:
    """The categories that exist from the start, with their fixed ids."""
    return tuple(
        json_format.ParseDict(one, PolicyCategory()) for one in _catalogue("categories")["categories"]
    )


def load_tactics() -> tuple[MitreTactic, ...]:
    """The MITRE tactics that default policies name, by id."""
    return tuple(json_format.ParseDict(one, MitreTactic()) for one in _catalogue("mitre")["tactics"])


def load_techniques() -> tuple[MitreTechnique, ...]:
    """The MITRE techniques that default policies name, by id."""
    return tuple(json_format.ParseDict(one, MitreTechnique()) for one in _catalogue("mitre")["techniques"])


def _catalogue(name: str) -> dict[str, list[dict[str, object]]]:
    text = resources.files(__package__).joinpath("catalogue", f"{name}.json").read_text("utf-8")
    loaded: dict[str, list[dict[str, object]]] = json.loads(text)
    return loaded
