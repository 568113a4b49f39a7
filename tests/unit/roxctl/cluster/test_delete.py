"""`roxctl cluster delete`: by name in any case."""

from __future__ import annotations

import pytest

from pyrox.pb.api.v1 import cluster_service_pb2, common_pb2, empty_pb2
from pyrox.pb.storage import cluster_pb2
from roxctl.errors import CallFailed
from tests.support.cli_wire import Wire


@pytest.fixture
def known(wire: Wire) -> Wire:
    clusters = [cluster_pb2.Cluster(id="1", name="Lab"), cluster_pb2.Cluster(id="2", name="prod")]
    wire.answer("GetClusters", cluster_service_pb2.ClustersList(clusters=clusters))
    wire.answer("DeleteCluster", empty_pb2.Empty())
    return wire


@pytest.mark.parametrize("name", ["lab", "LAB", "Lab"])
def test_cluster_is_deleted_by_its_id(known: Wire, name: str) -> None:
    done = known.run("cluster", "delete", "--name", name, "-t", "10s", "--retry-timeout", "2s")
    assert (done.code, done.out, done.err) == (0, 'Cluster with name "Lab" deleted\n', "")
    assert known.asked("DeleteCluster", common_pb2.ResourceByID) == [common_pb2.ResourceByID(id="1")]
    assert known.limits == [2, 2]


@pytest.mark.parametrize("name", ["la", "1", 'x"y'])
def test_cluster_that_is_not_there_is_told_with_those_that_are(known: Wire, name: str) -> None:
    done = known.run("cluster", "delete", "--name", name)
    shown = name.replace('"', '\\"')
    assert done.err == (
        f'ERROR:\tCluster with name "{shown}" not found. Valid clusters are [ Lab prod ]\nERROR:\tnot found\n'
    )
    assert (done.code, known.methods) == (1, ["GetClusters"])


@pytest.mark.parametrize("method", ["GetClusters", "DeleteCluster"])
def test_refusal_is_told_and_nothing_said_to_be_done(known: Wire, method: str) -> None:
    known.answer(method, CallFailed("PermissionDenied", "no"))
    done = known.run("cluster", "delete", "--name", "prod")
    assert (done.code, done.out) == (1, "")
    assert done.err == "ERROR:\trpc error: code = PermissionDenied desc = no\n"
