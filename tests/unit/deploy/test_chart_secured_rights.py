"""What the accounts of the secured cluster's chart may do: what the code asks for, and no more."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pyrox.k8s import kinds
from pyrox.k8s.kinds import Kind
from services.sensor.certificates import store
from services.sensor.certificates.bundle import SERVICES
from services.sensor.enforce import enforcer
from services.sensor.watch.cluster import STAGES
from tests.support.charts import SECURED, Manifests, Render

pytestmark = pytest.mark.needs("helm")
NAME = {"clusterName": "prod"}
Right = tuple[str, str, str]
"""Group, resource, verb."""


@pytest.fixture(scope="module")
def plain() -> Manifests:
    return Render(SECURED, NAME).manifests()


def rights(made: Manifests, kind: str, name: str) -> set[Right]:
    """What a role allows, one right at a time; rules that name their objects apart."""
    return {
        (group, resource, verb)
        for rule in made.get(kind, name)["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def wanted(of: Iterable[Kind], *verbs: str, suffix: str = "") -> set[Right]:
    """Rights on kinds."""
    groups = {kind: kind.api_version.rpartition("/")[0] for kind in of}
    return {(group, f"{kind.plural}{suffix}", verb) for kind, group in groups.items() for verb in verbs}


def test_sensor_may_read_what_it_watches_and_nothing_else(plain: Manifests) -> None:
    watched = [kind for stage in STAGES for kind in stage]
    assert rights(plain, "ClusterRole", "stackrox:view-cluster") == wanted(watched, "get", "list", "watch")


def test_sensor_may_change_what_enforcement_changes_and_nothing_else() -> None:
    made = Render(SECURED, NAME, apis=["config.openshift.io/v1"]).manifests()
    templated, scalable = enforcer._TEMPLATED.values(), enforcer._SCALABLE.values()
    assert rights(made, "ClusterRole", "stackrox:edit-workloads") == (
        wanted(templated, "patch")
        | wanted(scalable, "patch", suffix="/scale")
        | wanted([kinds.POD], "delete")
    )
    assert rights(made, "ClusterRole", "stackrox:create-events") == wanted([kinds.EVENT], "create")


def test_without_enforcement_sensor_changes_nothing_outside_its_namespace() -> None:
    made = Render(SECURED, {**NAME, "sensor": {"rbac": {"enforce": False}}}).manifests()
    bound = {
        binding["roleRef"]["name"] for binding in made.of("ClusterRoleBinding") if _is_of(binding, "sensor")
    }
    assert bound == {"stackrox:view-cluster"}


def test_in_its_namespace_sensor_writes_settings_and_certificates(plain: Manifests) -> None:
    rules = plain.get("Role", "edit")["rules"]
    named = {name for rule in rules for name in rule.get("resourceNames", [])}
    assert named == {"admission-control", *(store.secret_name(service) for service in SERVICES)}
    assert {verb for rule in rules if "resourceNames" in rule for verb in rule["verbs"]} == {"get", "patch"}
    unnamed = [rule for rule in rules if "resourceNames" not in rule]
    assert [(rule["resources"], rule["verbs"]) for rule in unnamed] == [(["secrets"], ["create"])]


def test_only_sensor_and_the_charts_test_are_bound(plain: Manifests) -> None:
    bindings = [*plain.of("ClusterRoleBinding"), *plain.of("RoleBinding")]
    lasting = [one for one in bindings if "helm.sh/hook" not in one["metadata"]["annotations"]]
    accounts = {subject["name"] for one in lasting for subject in one["subjects"]}
    assert accounts == {"sensor", "stackrox-secured-test"}
    rules = plain.get("ClusterRole", "stackrox:secured-test")["rules"]
    assert [(rule["resourceNames"], rule["verbs"]) for rule in rules] == [(["stackrox"], ["get"])]


def test_rbac_made_elsewhere_leaves_the_account() -> None:
    made = Render(SECURED, {**NAME, "sensor": {"rbac": {"create": False}}}).manifests()
    assert made.find("ServiceAccount", "sensor") is not None
    assert [one["metadata"]["name"] for one in made.of("ClusterRoleBinding") if _is_of(one, "sensor")] == []


def test_upgrader_account_is_made_only_when_asked_for(plain: Manifests) -> None:
    assert plain.find("ServiceAccount", "sensor-upgrader") is None
    made = Render(SECURED, {**NAME, "createUpgraderServiceAccount": True}).manifests()
    assert made.get("ClusterRoleBinding", "stackrox:upgrade-sensors")["roleRef"]["name"] == "cluster-admin"


def _is_of(binding: dict[str, list[dict[str, str]]], account: str) -> bool:
    return any(subject["name"] == account for subject in binding["subjects"])
