"""What Central shows of its database, to compare two states of it."""

from __future__ import annotations

import sys

import httpx

from tests.support.cluster import eventually
from tests.support.helm_installation import Installed

Contents = dict[str, set[str]]
_SECONDS = 240.0
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
    """What Central shows once it has started again after a restore and that is the same as before.

    Where a restore works in place, Central shows the old contents already before it starts again;
    it tells of the finished restore until then.
    """
    what = "Central has started again with the restored contents"
    return eventually(lambda: _same(installed, wanted), seconds=_SECONDS, what=what) or {}


def _same(installed: Installed, wanted: Contents) -> Contents | None:
    """What Central shows; None before it restarts, while it does, and when it shows something else."""
    try:
        if installed.get("/v1/db/restore")["activeStatus"] is not None:
            return None
        found = contents(installed)
    except (httpx.TransportError, AssertionError) as error:
        sys.stdout.write(f"Central restarts: {error}\n")
        return None
    return found if found == wanted else None
