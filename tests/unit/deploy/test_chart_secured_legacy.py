"""Values of the first charts: moved to today's names, refused when they say something else."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.support.charts import SECURED, Manifests, Render

pytestmark = pytest.mark.needs("helm")
LEGACY = json.loads((SECURED / "files" / "legacy.json").read_text())
RESOURCES = {"requests": {"cpu": "11m"}}


def nested(path: str, value: Any) -> dict[str, Any]:
    made: Any = value
    for key in reversed(path.split(".")):
        made = {key: made}
    return dict(made)


def render(path: str, value: Any) -> Manifests:
    return Render(SECURED, {"clusterName": "prod"} | nested(path, value)).manifests()


def _value(path: str) -> Any:
    """A value that the new name takes, other than its default."""
    leaf = path.rpartition(".")[2]
    if leaf.lower().endswith("resources"):
        return RESOURCES
    words = {
        "admission-controller": {"labels": {"old": "name"}},
        "collectionMethod": "NO_COLLECTION",
        "createSecrets": False,
        "name": "prod",
        "timeout": 7,
    }
    if leaf in words:
        return words[leaf]
    if path.startswith("image.pullPolicy"):
        return "Always"
    return "value" if path.startswith(("image", "endpoint")) or leaf == "registryOverride" else True


@pytest.mark.parametrize("old", sorted(LEGACY))
def test_old_name_gives_what_the_new_one_gives(old: str) -> None:
    value = _value(old)
    # The old text is in the fingerprint of the values alone.
    same = {"meta": {"configFingerprintOverride": "same"}}
    name = {} if old == "cluster.name" else {"clusterName": "prod"}
    before = Render(SECURED, {**name, **same, **nested(old, value)}).manifests()
    after = Render(SECURED, {**name, **same, **nested(LEGACY[old], value)}).manifests()
    assert before.objects == after.objects


def test_old_and_new_name_with_different_values_are_refused_by_both_names() -> None:
    told = Render(SECURED, {"clusterName": "new", "cluster": {"name": "old"}}).refusal()
    assert "cluster.name and clusterName are the same setting and have different values" in told


@pytest.mark.parametrize(("kind", "openshift"), [("OPENSHIFT_CLUSTER", True), ("KUBERNETES_CLUSTER", False)])
def test_type_of_the_cluster_decides_about_openshift(kind: str, openshift: bool) -> None:
    made = render("cluster.type", kind)
    assert (made.find("Role", "use-sensor-scc") is not None) is openshift


def test_list_of_variables_reaches_every_container() -> None:
    made = render("envVars", [{"name": "OLD_FORM", "value": "yes"}])
    found = made.pods()["Deployment/sensor"]["spec"]["containers"][0]["env"]
    assert {"name": "OLD_FORM", "value": "yes"} in found


def test_unknown_key_below_an_old_name_is_refused() -> None:
    told = Render(SECURED, {"clusterName": "a", "endpoint": {"centrall": "x:443"}}).refusal()
    assert "additional properties 'centrall' not allowed" in told


def test_each_image_may_have_a_login_of_its_own() -> None:
    login = {"mainImagePullSecrets": ("m", "1"), "collectorImagePullSecrets": ("c", "2")}
    values = {key: {"username": user, "password": word} for key, (user, word) in login.items()}
    made = Render(SECURED, {"clusterName": "a", **values}).manifests()
    users = {}
    for name in ("main", "collector"):
        raw = made.get("Secret", f"secured-cluster-services-{name}")["data"][".dockerconfigjson"]
        users[name] = {one["username"] for one in json.loads(base64.b64decode(raw))["auths"].values()}
    assert users == {"main": {"m"}, "collector": {"c"}}
    pulled = [one["name"] for one in made.get("ServiceAccount", "collector")["imagePullSecrets"]]
    assert {"secured-cluster-services-main", "secured-cluster-services-collector"} <= set(pulled)


def test_login_without_a_password_is_refused() -> None:
    told = Render(SECURED, {"clusterName": "a", "mainImagePullSecrets": {"username": "m"}}).refusal()
    assert "mainImagePullSecrets.username is set without mainImagePullSecrets.password" in told


def test_given_password_of_the_scanners_database_is_not_drawn() -> None:
    values = {"clusterName": "a", "scanner": {"disable": False}, "ca": {"cert": "pem"}}
    given = {**values, "scannerV4": {"db": {"password": {"value": "chosen"}}}}
    made = Render(SECURED, given).manifests()
    assert made.get("Secret", "scanner-v4-db-password")["stringData"] == {"password": "chosen"}
    assert made.find("Job", "stackrox-secured-bootstrap") is None
    assert Render(SECURED, values).manifests().find("Job", "stackrox-secured-bootstrap") is not None
