"""Make the watched cluster, the demo registry and the demo policy known to Central.

The process table runs it once Central answers, as an administrator would by hand: add
the cluster, give Sensor, Collector and Admission certificates with its id, add the
registry. It is safe to repeat.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from services.local.central import Central, opened
from services.local.credentials import Credentials
from services.local.places import Places

REGISTRY_NAME = "Demo registry"
POLICY_NAME = "Demo: privileged containers are refused"
# Only in one namespace, so that the other workloads stay as they are.
_POLICY = {
    "name": POLICY_NAME,
    "description": "Shows enforcement: Admission refuses privileged workloads in the namespace default.",
    "rationale": "A privileged container has nearly all the rights of root on the node.",
    "remediation": "Remove privileged: true, or delete this policy, which only `make up` has made.",
    "categories": ["Privileges"],
    "lifecycleStages": ["DEPLOY"],
    "severity": "HIGH_SEVERITY",
    "scope": [{"namespace": "default"}],
    "enforcementActions": ["SCALE_TO_ZERO_ENFORCEMENT"],
    "policyVersion": "1.1",
    "policySections": [
        {
            "policyGroups": [
                {"fieldName": "Privileged Container", "booleanOperator": "OR", "values": [{"value": "true"}]}
            ]
        }
    ],
}


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


def add_policy(central: Central) -> None:
    """Add the demo policy when Central does not know it."""
    known = central.get("/v1/policies")["policies"]
    if not any(one["name"] == POLICY_NAME for one in known):
        central.post("/v1/policies", _POLICY)


def enrol(places: Places, *, central: str, cluster: str, registry: str) -> None:
    """Do all of it. Raises `Unavailable` when Central does not take it."""
    credentials = Credentials(places=places, clock=SystemClock())
    # A policy that the user deleted must not come back with every start.
    done = places.state / "demo-policy-added"
    with opened(places, central) as asked:
        credentials.secured_cluster(cluster_id(asked, cluster))
        if registry:
            add_registry(asked, registry)
        if not done.exists():
            add_policy(asked)
            done.touch()


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
    except (RoxError, OSError, KeyError) as err:
        print(f"enrol: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
