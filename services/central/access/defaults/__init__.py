"""The roles, permission sets and access scopes that every installation has.

Names, ids, descriptions and accesses equal what the reference system answers; the data
file beside this module holds them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources

from google.protobuf import json_format

from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from pyrox.pb.storage.traits_pb2 import Traits

UNRESTRICTED_SCOPE_ID = "ffffffff-ffff-fff4-f5ff-ffffffffffff"


@dataclass(frozen=True, slots=True)
class Defaults:
    """All default objects, in the order in which they are listed."""

    roles: tuple[Role, ...]
    permission_sets: tuple[PermissionSet, ...]
    access_scopes: tuple[SimpleAccessScope, ...]


def load() -> Defaults:
    """Read the data file; each object carries origin DEFAULT."""
    data = json.loads(resources.files(__name__).joinpath("roles.json").read_text())
    loaded = Defaults(
        roles=tuple(json_format.ParseDict(item, Role()) for item in data["roles"]),
        permission_sets=tuple(
            json_format.ParseDict(item, PermissionSet()) for item in data["permissionSets"]
        ),
        access_scopes=tuple(
            json_format.ParseDict(item, SimpleAccessScope()) for item in data["accessScopes"]
        ),
    )
    listed: tuple[Role | PermissionSet | SimpleAccessScope, ...]
    listed = (*loaded.roles, *loaded.permission_sets, *loaded.access_scopes)
    for item in listed:
        item.traits.origin = Traits.DEFAULT
    return loaded
