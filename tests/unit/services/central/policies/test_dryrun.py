"""Dry runs: what a policy would find on the deployments that the caller may see."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pyrox.errors import Invalid
from pyrox.pb.api.v1.policy_service_pb2 import DryRunResponse
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy, NetworkPolicyType
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.rpc.call import Call
from pyrox.rpc.scope import Scope
from services.central.policies.dryrun import DryRun
from tests.support.pki import FixedClock
from tests.unit.pyrox.policy import builders as b


class World:
    """Deployments, images and network policies of a test."""

    def __init__(self, *slices: list[Deployment]) -> None:
        self.slices = slices
        self.images: dict[str, Image] = {}
        self.network_policies: list[NetworkPolicy] = []
        self.asked: list[str] = []
        self.scopes: list[Scope] = []

    async def walk(self, text: str, *, scope: Scope) -> AsyncIterator[list[Deployment]]:
        assert text == ""
        self.scopes.append(scope)
        for one in self.slices:
            yield one

    async def get(self, sha: str, *, scope: Scope) -> Image | None:
        assert scope is not None
        self.asked.append(sha)
        return self.images.get(sha)

    async def of_place(self, cluster_id: str, namespace: str, *, scope: Scope) -> list[NetworkPolicy]:
        assert scope is not None
        self.asked.append(f"{cluster_id}/{namespace}")
        return self.network_policies

    async def found_by(self, policy: Policy) -> list[tuple[str, list[str]]]:
        run = DryRun(deployments=self, images=self, network_policies=self, clock=FixedClock())
        found = DryRunResponse()
        await run.run(policy, Call(method="/test"), found)
        return [(alert.deployment, list(alert.violations)) for alert in found.alerts]


def _named(name: str, namespace: str = "prod") -> Deployment:
    made = b.deployment()
    made.name, made.namespace = name, namespace
    return made


async def test_every_deployment_that_violates_the_policy_is_told_with_its_messages() -> None:
    world = World([_named("one"), _named("two", "dev")], [_named("three")])
    assert await world.found_by(b.policy([("Namespace", ["prod"])])) == [
        ("one", ["Namespace has name 'prod'"]),
        ("three", ["Namespace has name 'prod'"]),
    ]
    assert world.asked == []
    assert len(world.scopes) == 1


async def test_disabled_policy_is_run_and_its_scope_and_exclusions_hold() -> None:
    policy = b.policy([("Host IPC", ["true"])])
    policy.disabled = True
    policy.scope.add(namespace="prod")
    policy.exclusions.add().deployment.name = "out.*"
    world = World([_named("in"), _named("outside"), _named("elsewhere", "dev")])
    assert await world.found_by(policy) == [("in", ["Deployment uses the host's IPC namespace"])]


async def test_images_come_from_central_and_unknown_ones_have_a_name_only() -> None:
    world = World([_named("web")])
    tag, user = b.policy([("Image Tag", ["latest"])]), b.policy([("Image User", ["root"])])
    assert len(await world.found_by(tag)) == 1
    assert world.asked == []
    assert await world.found_by(user) == []
    world.images["sha256:aa"] = b.image()
    assert len(await world.found_by(user)) == 1
    assert world.asked == ["sha256:aa", "sha256:aa"]


async def test_network_policies_are_those_that_select_the_deployment() -> None:
    world = World([_named("web")])
    policy = b.policy([("Has Ingress Network Policy", ["false"])])
    assert len(await world.found_by(policy)) == 1
    world.network_policies = [NetworkPolicy(id="n", name="allow", namespace="prod")]
    world.network_policies[0].spec.policy_types.append(NetworkPolicyType.INGRESS_NETWORK_POLICY_TYPE)
    assert await world.found_by(policy) == []
    assert world.asked == ["c1/prod", "c1/prod"]


async def test_policy_on_events_finds_nothing_and_a_broken_one_is_refused() -> None:
    world = World([_named("web")])
    runtime = b.policy([("Process Name", ["sh"])], stage=policy_pb2.RUNTIME)
    assert await world.found_by(runtime) == []
    assert world.scopes == []
    with pytest.raises(Invalid, match="criterion 'Nonsense': the criterion is unknown"):
        await world.found_by(b.policy([("Nonsense", ["x"])]))
