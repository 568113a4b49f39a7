"""Searches made into policies."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.pb.api.v1.policy_service_pb2 import PolicyFromSearchResponse
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.policy_pb2 import EventSource, LifecycleStage
from pyrox.rpc.call import Call
from pyrox.rpc.scope import Scope
from services.central.policies.from_search import FromSearch


class Clusters:
    """Three clusters."""

    async def find(self, query: str = "", *, scope: Scope) -> list[Cluster]:
        assert query == ""
        assert scope is not None
        return [Cluster(id=f"id-{name}", name=name) for name in ("prod-a", "prod-b", "dev")]


async def _made(text: str) -> PolicyFromSearchResponse:
    return await FromSearch(clusters=Clusters()).policy(text, Call(method="/test"))


async def _values(text: str) -> dict[str, list[str]]:
    policy = (await _made(text)).policy
    return {
        group.field_name: [value.value for value in group.values]
        for section in policy.policy_sections
        for group in section.policy_groups
    }


@pytest.mark.parametrize(
    ("text", "criterion", "values"),
    [
        ("CVE:CVE-2021-1,CVE-2021-2", "CVE", ["CVE-2021-1", "CVE-2021-2"]),
        ("cve:CVE-2021-1", "CVE", ["CVE-2021-1"]),
        ("Component:curl", "Image Component", ["curl="]),
        ("Component Version:1.2", "Image Component", ["=1.2"]),
        ("Component:curl,wget+Component Version:1,2", "Image Component",
         ["curl=1", "curl=2", "wget=1", "wget=2"]),
        ("Dockerfile Instruction Keyword:RUN", "Dockerfile Line", ["RUN="]),
        ("Dockerfile Instruction Value:apt.*", "Dockerfile Line", ["=apt.*"]),
        ("Environment Key:PASSWORD", "Environment Variable", ["=PASSWORD="]),
        ("Environment Key:A+Environment Value:b", "Environment Variable", ["=A=b"]),
        ("Environment Variable Source:RAW", "Environment Variable", ["RAW=="]),
        ("Deployment Annotation:email", "Disallowed Annotation", ["email="]),
        ("Image Label:a=b", "Disallowed Image Label", ["a=b"]),
        ("CVSS:>=7", "CVSS", [">= 7"]),
        ("CVSS:<3", "CVSS", ["< 3"]),
        ("CVSS:7", "CVSS", ["7"]),
        ("Image Created Time:>30d", "Image Age", ["30"]),
        ("Volume ReadOnly:true", "Writable Mounted Volume", ["false"]),
        ("Port:22", "Exposed Port", ["22"]),
    ],
)  # fmt: skip
async def test_label_becomes_its_criterion(text: str, criterion: str, values: list[str]) -> None:
    assert await _values(text) == {criterion: values}
    assert list((await _made(text)).altered_search_terms) == []


async def test_what_is_not_kept_is_told_in_order() -> None:
    made = await _made(
        "Volume ReadOnly:yes+CVE:x+Secret:s+Service Account Permission Level:CLUSTER_ADMIN,DEFAULT"
        "+Image Scan Time:>3d,<2d"
    )
    assert made.altered_search_terms == [
        "Image Scan Time",
        "Secret",
        "Service Account Permission Level",
        "Volume ReadOnly",
    ]
    (section,) = made.policy.policy_sections
    assert {group.field_name: group.values[0].value for group in section.policy_groups} == {
        "CVE": "x",
        "Image Scan Age": "3",
        "Minimum RBAC Permissions": "DEFAULT",
    }
    assert not made.has_nested_fields


async def test_places_become_scopes_in_all_combinations() -> None:
    policy = (await _made("Cluster:prod+Namespace:shop+Deployment Label:app=web,tier")).policy
    assert [
        (scope.cluster, scope.namespace, scope.label.key, scope.label.value) for scope in policy.scope
    ] == [
        ("id-prod-a", "shop", "app", "web"),
        ("id-prod-b", "shop", "app", "web"),
        ("id-prod-a", "shop", "tier", ""),
        ("id-prod-b", "shop", "tier", ""),
    ]
    assert not policy.policy_sections
    assert not policy.lifecycle_stages
    unknown = (await _made("Cluster:nosuch+Namespace:shop")).policy
    assert [(scope.cluster, scope.namespace) for scope in unknown.scope] == [("", "shop")]


@pytest.mark.parametrize(
    ("text", "stages", "source"),
    [
        ("CVE:x", [LifecycleStage.BUILD, LifecycleStage.DEPLOY], EventSource.NOT_APPLICABLE),
        ("Privileged:true", [LifecycleStage.DEPLOY], EventSource.NOT_APPLICABLE),
        ("Process Name:sh", [LifecycleStage.RUNTIME], EventSource.DEPLOYMENT_EVENT),
    ],
)
async def test_stages_are_those_that_the_criteria_allow(text: str, stages: list[int], source: int) -> None:
    policy = (await _made(text)).policy
    assert (list(policy.lifecycle_stages), policy.event_source) == (stages, source)
    assert (policy.name, policy.policy_version) == ("", "1.1")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "can not generate a policy from an empty query"),
        ("Secret:x", "after parsing there were no valid policy groups or scopes"),
    ],
)
async def test_search_that_gives_nothing_is_refused(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=f"error creating policy from search string: {why}"):
        await _made(text)


async def test_combinations_are_bounded() -> None:
    many = ",".join(f"c{at}" for at in range(101))
    with pytest.raises(Invalid, match="it gives 10201 combinations, more than 10000"):
        await _made(f"Component:{many}+Component Version:{many}")
    with pytest.raises(Invalid, match="it gives 10201 combinations"):
        await _made(f"Namespace:{many}+Deployment Label:{many}")
