"""What surrounds deployments in the cluster that they are meant for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pyrox.errors import NotFound
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy
from pyrox.policy.scope import NO_LABELS, PlaceLabels
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.detection.surroundings import NOWHERE, Place, Surroundings
from tests.support.callers import ADMIN, limited

CLUSTER = Cluster(id="c1", name="remote", labels={"env": "prod"})


class World:
    """One cluster with two namespaces and a network policy in each."""

    async def find(self, query: str = "", *, scope: Scope) -> list[Cluster]:
        assert query == ""
        return [] if scope.nothing else [CLUSTER]

    async def of_names(
        self, cluster_id: str, names: Sequence[str], *, scope: Scope
    ) -> list[NamespaceMetadata]:
        assert (cluster_id, scope) == ("c1", EVERYTHING)
        return [NamespaceMetadata(name=name, labels={"team": name}) for name in names if name != "new"]

    async def of_place(self, cluster_id: str, namespace: str, *, scope: Scope) -> list[NetworkPolicy]:
        assert (cluster_id, scope) == ("c1", EVERYTHING)
        return [NetworkPolicy(id=f"stored-{namespace}", name="deny", namespace=namespace)]


def made() -> Surroundings:
    world = World()
    return Surroundings(clusters=world, namespaces=world, network_policies=world)


async def _place(*namespaces: str) -> Place:
    return await made().place(CLUSTER, [Deployment(namespace=name) for name in namespaces])


@pytest.mark.parametrize("word", ["c1", "remote"])
async def test_cluster_is_found_by_id_and_by_name(word: str) -> None:
    assert await made().cluster(word, ADMIN) == CLUSTER


async def test_cluster_out_of_sight_is_not_found() -> None:
    with pytest.raises(NotFound, match="cluster 'c1'"):
        await made().cluster("c1", limited(EVERYTHING, read=("Image",)))


async def test_place_has_the_labels_of_cluster_and_namespaces() -> None:
    place = await _place("shop", "new", "shop")
    assert place.labels("shop") == PlaceLabels({"env": "prod"}, {"team": "shop"})
    assert place.labels("new") == PlaceLabels({"env": "prod"}, {})


async def test_network_policies_of_the_files_take_the_place_of_their_like() -> None:
    place = await _place("shop", "data")
    in_files = [NetworkPolicy(id="file", name="deny", namespace="shop")]
    assert [one.id for one in place.with_applied(in_files) or ()] == ["stored-data", "file"]


async def test_without_a_cluster_only_the_files_count() -> None:
    in_files = [NetworkPolicy(id="file")]
    assert NOWHERE.with_applied(in_files) == in_files
    assert NOWHERE.with_applied([]) is None
    assert NOWHERE.labels("shop") is NO_LABELS
