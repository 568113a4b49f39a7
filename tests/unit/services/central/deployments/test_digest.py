"""The list form of deployments."""

from __future__ import annotations

from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment
from services.central.deployments.digest import digest


def test_digest_shows_what_lists_show_and_nothing_else() -> None:
    deployment = Deployment(
        id="d", name="web", hash=2**64 - 1, cluster_id="c", cluster_name="prod", namespace="shop", priority=3
    )
    deployment.created.seconds = 7
    deployment.containers.add(name="secret-container").config.env.add(key="PASSWORD", value="s3cret")
    listed = digest(deployment)
    expected = ListDeployment(
        id="d", name="web", hash=2**64 - 1, cluster="prod", cluster_id="c", namespace="shop", priority=3
    )
    expected.created.seconds = 7
    assert listed == expected
    assert b"s3cret" not in listed.SerializeToString()


def test_digest_without_a_time_has_none() -> None:
    assert not digest(Deployment(id="d")).HasField("created")
