"""Alerts of images and of deployments that do not run yet."""

from __future__ import annotations

import pytest

from pyrox.errors import Internal
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.policy_pb2 import EnforcementAction, LifecycleStage, Policy
from pyrox.policy.sets import PolicySet
from services.central.detection.build import deployment_alerts, image_alerts, of_categories
from tests.support.pki import FixedClock

NOW = FixedClock().now()
BUILD, DEPLOY = LifecycleStage.BUILD, LifecycleStage.DEPLOY


def policy(
    name: str, *stages: LifecycleStage.ValueType, category: str = "DevOps", tag: str = "latest"
) -> Policy:
    made = Policy(
        id=name, name=name, policy_version="1.1", lifecycle_stages=stages or [BUILD], categories=[category]
    )
    made.policy_sections.add().policy_groups.add(field_name="Image Tag").values.add(value=tag)
    return made


def image(tag: str = "latest") -> Image:
    made = Image(id="sha256:1")
    made.name.registry, made.name.remote, made.name.tag = "docker.io", "library/nginx", tag
    made.name.full_name = f"docker.io/library/nginx:{tag}"
    return made


def names(alerts: list[Alert]) -> list[str]:
    return [one.policy.name for one in alerts]


def test_image_alerts_are_of_enabled_build_policies_ordered_by_policy_id() -> None:
    off = policy("off")
    off.disabled = True
    found = PolicySet.of(
        [policy("b"), policy("a", BUILD, DEPLOY), policy("deploy", DEPLOY), off, policy("c", tag="1")]
    )
    alerts = image_alerts(found, image(), NOW)
    assert names(alerts) == ["a", "b"]
    assert {one.lifecycle_stage for one in alerts} == {BUILD}
    assert {one.image.name.full_name for one in alerts} == {"docker.io/library/nginx:latest"}
    assert len({one.id for one in alerts}) == 2
    assert {one.time.ToDatetime(NOW.tzinfo) for one in alerts} == {NOW}
    assert [v.message for v in alerts[0].violations] == ["Image has tag 'latest'"]


def test_image_alerts_keep_the_whole_policy_and_its_enforcement() -> None:
    given = policy("p")
    given.enforcement_actions.append(EnforcementAction.FAIL_BUILD_ENFORCEMENT)
    (found,) = image_alerts(PolicySet.of([given]), image(), NOW)
    assert found.policy == given
    assert found.enforcement.action == EnforcementAction.FAIL_BUILD_ENFORCEMENT


def test_excluded_image_has_no_alert() -> None:
    given = policy("p")
    given.exclusions.add().image.name = "docker.io/library/nginx"
    assert image_alerts(PolicySet.of([given]), image(), NOW) == []


def test_deployment_alerts_look_at_every_container() -> None:
    deployment = Deployment(id="d", name="web", namespace="shop", type="Deployment")
    for number in (1, 2):
        deployment.containers.add(name=f"c{number}")
    found = PolicySet.of([policy("build"), policy("deploy", DEPLOY)])
    alerts = deployment_alerts(found, deployment, [image("1"), image()], None, NOW)
    assert names(alerts) == ["deploy"]
    assert alerts[0].deployment.name == "web"
    assert [v.message for v in alerts[0].violations] == ["Container 'c2' has image with tag 'latest'"]
    assert deployment_alerts(found, deployment, [image("1"), image("2")], None, NOW) == []


@pytest.mark.parametrize(
    ("categories", "chosen"),
    [
        ([], ["a", "b", "c"]),
        (["devops"], ["a", "c"]),
        (["DEVOPS", "Other"], ["a", "b", "c"]),
        (["Other", "x"], ["b"]),
    ],
)
def test_of_categories_chooses_in_any_case_of_letters(categories: list[str], chosen: list[str]) -> None:
    given = PolicySet.of([policy("a"), policy("b", category="other"), policy("c")])
    assert [one.policy.name for one in of_categories(given, categories).policies] == chosen


def test_of_categories_that_no_policy_has_is_upstreams_internal_error() -> None:
    with pytest.raises(
        Internal, match=r"allowed categories \['x', 'y'\] did not match any policy categories"
    ):
        of_categories(PolicySet.of([policy("a")]), ["Y", "x"])
