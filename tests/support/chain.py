"""A whole installation, everything real: API server, Central on PostgreSQL, a secured cluster's processes.

Tests of the whole chain make one and start those of its processes that they need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pyrox.pg.settings import Settings
from tests.support.central import RunningCentral, running_central
from tests.support.kube import Cluster
from tests.support.secured import SecuredCluster


@dataclass(frozen=True)
class Chain:
    """The running installation and its user."""

    central: RunningCentral
    secured: SecuredCluster
    cluster: Cluster
    cluster_id: str

    def get(self, path: str, **query: str) -> Any:
        """Central's answer."""
        with self.central.client() as client:
            answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def alerts(self, policy: str, **state: str) -> Counter[str]:
        """How many unresolved alerts of the policy each deployment has."""
        query = f"Cluster ID:{self.cluster_id}+Policy:{policy}" + "".join(
            f"+{key.replace('_', ' ')}:{value}" for key, value in state.items()
        )
        return Counter(a["deployment"]["name"] for a in self.get("/v1/alerts", query=query)["alerts"])


C = TypeVar("C", bound=Chain)


@contextmanager
def running_chain(kind: type[C], cluster: Cluster, database: Settings, directory: Path) -> Iterator[C]:
    """Central with a cluster made in it; the cluster's processes are the test's to start, and end here."""
    with running_central(directory / "central", database) as central:
        body = {"name": "real", "type": "KUBERNETES_CLUSTER", "mainImage": "main"}
        with central.client() as client:
            answer = client.post("/v1/clusters", json=body)
        assert answer.status_code == 200, answer.text
        cluster_id = answer.json()["cluster"]["id"]
        secured = SecuredCluster(
            central=central, kubeconfig=cluster.kubeconfig, directory=directory, cluster_id=cluster_id
        )
        try:
            yield kind(central=central, secured=secured, cluster=cluster, cluster_id=cluster_id)
        finally:
            secured.stop()
