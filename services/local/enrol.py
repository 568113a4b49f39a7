"""Make the watched cluster and the demo registry known to Central.

The process table runs it once Central answers, as an administrator would by hand: add
the cluster, give Sensor, Collector and Admission certificates with its id, add the
registry with the CA that it shows. It is safe to repeat.
"""

from __future__ import annotations

import argparse
import ssl
import sys
from pathlib import Path
from typing import Any

import httpx

from pyrox.clock import SystemClock
from pyrox.errors import RoxError, Unavailable
from services.local.credentials import ADMIN, Credentials
from services.local.places import Places

REGISTRY_NAME = "Demo registry"
_SECONDS = 30.0


class Central:
    """Central's REST interface, as the administrator."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str) -> dict[str, Any]:
        """The JSON at the path. Raises `Unavailable`."""
        return self._read(self._client.get(path))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a new object. Raises `Unavailable`."""
        return self._read(self._client.post(path, json=body))

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        try:
            parsed = response.json()
        except ValueError:
            parsed = None
        if response.is_error or not isinstance(parsed, dict):
            raise Unavailable(
                f"Central: {response.request.method} {response.request.url.path}: "
                f"status {response.status_code}: {response.text[:300]}"
            )
        return parsed


def cluster_id(central: Central, name: str) -> str:
    """The id of the cluster of this name, which is added when Central does not know it."""
    for known in central.get("/v1/clusters")["clusters"]:
        if known["name"] == name:
            return str(known["id"])
    added = central.post(
        "/v1/clusters",
        {"name": name, "type": "KUBERNETES_CLUSTER", "centralApiEndpoint": "central.stackrox:443"},
    )
    return str(added["cluster"]["id"])


def add_registry(central: Central, endpoint: str) -> None:
    """Add the demo registry when Central does not know it."""
    known = central.get("/v1/imageintegrations")["integrations"]
    if any(one["name"] == REGISTRY_NAME for one in known):
        return
    central.post(
        "/v1/imageintegrations",
        {
            "name": REGISTRY_NAME,
            "type": "docker",
            "categories": ["REGISTRY"],
            "docker": {"endpoint": endpoint},
            "skipTestIntegration": True,
        },
    )


def enrol(places: Places, *, central: str, cluster: str, registry: str) -> None:
    """Do both. Raises `Unavailable` when Central does not take them."""
    credentials = Credentials(places=places, clock=SystemClock())
    password = places.admin_password.read_text().strip()
    with httpx.Client(
        base_url=f"https://{central}",
        auth=(ADMIN, password),
        verify=ssl.create_default_context(cafile=credentials.authority),
        timeout=_SECONDS,
        trust_env=False,
    ) as client:
        asked = Central(client)
        credentials.secured_cluster(cluster_id(asked, cluster))
        if registry:
            add_registry(asked, registry)


def main() -> int:
    """0 when Central knows the cluster."""
    parser = argparse.ArgumentParser(prog="python -m services.local.enrol")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--central", required=True, help="host:port")
    parser.add_argument("--cluster", required=True, help="name of the cluster")
    parser.add_argument("--registry", default="", help="host:port of the demo registry")
    options = parser.parse_args()
    try:
        enrol(
            Places(options.state), central=options.central, cluster=options.cluster, registry=options.registry
        )
    except (RoxError, OSError, httpx.HTTPError, KeyError) as err:
        print(f"enrol: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
