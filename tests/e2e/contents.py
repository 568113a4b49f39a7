"""What Central shows of its database, to compare two states of it."""

from __future__ import annotations

import sys

import httpx

from tests.support.cluster import eventually
from tests.support.helm_installation import Installed

Contents = dict[str, set[str]]
_SECONDS = 120.0
_LISTS = {
    "/v1/policies": ("policies", "name"),
    "/v1/clusters": ("clusters", "id"),
    "/v1/deployments": ("deployments", "id"),
    "/v1/images": ("images", "id"),
    "/v1/alerts": ("alerts", "id"),
    "/v1/cluster-init/init-bundles": ("items", "id"),
    "/v1/apitokens": ("tokens", "id"),
}


def contents(installed: Installed) -> Contents:
    """The names or ids of all objects, by the path that lists them."""
    found: Contents = {}
    with installed.central() as client:
        for path, (field, key) in _LISTS.items():
            answer = client.get(path, params={"pagination.limit": "5000"})
            assert answer.status_code == httpx.codes.OK, answer.text
            found[path] = {one[key] for one in answer.json()[field]}
    return found


def restored(installed: Installed, wanted: Contents) -> Contents:
    """What Central shows once it is the same as before; fails when that takes too long."""
    what = "the restored contents are served"
    return eventually(lambda: _same(installed, wanted), seconds=_SECONDS, what=what) or {}


def _same(installed: Installed, wanted: Contents) -> Contents | None:
    """What Central shows; None while it restarts or shows something else."""
    try:
        found = contents(installed)
    except (httpx.TransportError, AssertionError) as error:
        sys.stdout.write(f"Central restarts: {error}\n")
        return None
    return found if found == wanted else None
