"""The config controller and its resource definition, as the central chart installs them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.charts import CENTRAL, Manifests, Render
from tests.support.policy_resources import RULES

pytestmark = pytest.mark.needs("helm")
CRD = "securitypolicies.config.stackrox.io"


@pytest.fixture(scope="module")
def made() -> Manifests:
    return Render(CENTRAL).manifests()


def pod(made: Manifests) -> dict[str, Any]:
    spec: dict[str, Any] = made.get("Deployment", "config-controller")["spec"]["template"]["spec"]
    return spec


def test_controller_runs_as_upstreams_does(made: Manifests) -> None:
    deployment = made.get("Deployment", "config-controller")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    one = pod(made)["containers"][0]
    assert (one["name"], one["command"]) == ("manager", ["/stackrox/config-controller"])
    assert one["args"] == ["--health-probe-bind-address=:8081"]
    assert (
        one["image"]
        == made.get("Deployment", "central")["spec"]["template"]["spec"]["containers"][0]["image"]
    )
    assert {item["name"]: item.get("value") for item in one["env"]} == {
        "POD_NAMESPACE": None,
        "ROX_CENTRAL_ENDPOINT": "central.stackrox.svc:443",
    }
    probes = {kind: one[f"{kind}Probe"] for kind in ("liveness", "readiness", "startup")}
    paths = {kind: probe["httpGet"]["path"] for kind, probe in probes.items()}
    assert paths == {"liveness": "/healthz", "readiness": "/readyz", "startup": "/healthz"}
    assert {probe["httpGet"]["port"] for probe in probes.values()} == {8081}
    waits = ("initialDelaySeconds", "periodSeconds", "failureThreshold")
    assert [probes["liveness"][key] for key in waits] == [15, 20, 50]
    assert one["resources"] == {
        "requests": {"cpu": "10m", "memory": "64Mi"},
        "limits": {"cpu": "500m", "memory": "128Mi"},
    }


def test_controller_sees_the_ca_and_a_token_for_central_alone(made: Manifests) -> None:
    volumes = {one["name"]: one for one in pod(made)["volumes"]}
    assert volumes["central-certs-volume"]["secret"] == {
        "secretName": "central-tls",
        "items": [{"key": "ca.pem", "path": "ca.pem"}],
    }
    assert volumes["m2m"]["projected"]["sources"] == [
        {
            "serviceAccountToken": {
                "audience": "central.stackrox.io",
                "expirationSeconds": 3600,
                "path": "token",
            }
        }
    ]
    mounts = {one["name"]: one["mountPath"] for one in pod(made)["containers"][0]["volumeMounts"]}
    assert mounts == {
        "central-certs-volume": "/run/secrets/stackrox.io/certs/",
        "m2m": "/var/run/secrets/stackrox.io/m2m",
    }


def test_certificate_of_cert_manager_has_its_own_key() -> None:
    values = {
        "certManager": {"enabled": True, "issuerRef": {"name": "i"}, "caSecretName": "ca"},
    }
    volumes = {one["name"]: one for one in pod(Render(CENTRAL, values).manifests())["volumes"]}
    assert volumes["central-certs-volume"]["secret"]["items"] == [{"key": "ca.crt", "path": "ca.pem"}]


def test_account_may_change_the_resources_of_its_namespace_alone(made: Manifests) -> None:
    assert made.get("Role", "config-controller-manager-role")["rules"] == RULES
    binding = made.get("RoleBinding", "config-controller-manager-rolebinding")
    assert binding["roleRef"]["name"] == "config-controller-manager-role"
    account = {"kind": "ServiceAccount", "name": "config-controller", "namespace": "stackrox"}
    assert binding["subjects"] == [account]
    assert made.find("ServiceAccount", "config-controller") is not None


def test_definition_has_upstreams_names_and_stays_after_an_uninstall(made: Manifests) -> None:
    found = made.get("CustomResourceDefinition", CRD)
    assert found["spec"]["names"]["shortNames"] == ["sp"]
    assert (found["spec"]["group"], found["spec"]["scope"]) == ("config.stackrox.io", "Namespaced")
    version = found["spec"]["versions"][0]
    assert (version["name"], version["subresources"]) == ("v1alpha1", {"status": {}})
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert sorted(spec["required"]) == [
        "categories", "lifecycleStages", "policyName", "policySections", "severity",
    ]  # fmt: skip
    assert found["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert found["metadata"]["labels"]["app.kubernetes.io/component"] == "config-controller"


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({"configAsCode": {"enabled": False}}, set()),
        ({"allowUnsupportedMultipleCentrals": "documentationWasReadAndUnderstood"}, {"Deployment"}),
        ({"configAsCode": {"keepCRD": False}}, {"Deployment", "CustomResourceDefinition"}),
    ],
)
def test_parts_can_be_left_out(values: dict[str, Any], left: set[str]) -> None:
    made = Render(CENTRAL, values).manifests()
    found = {
        kind
        for kind, name in (("Deployment", "config-controller"), ("CustomResourceDefinition", CRD))
        if made.find(kind, name) is not None
    }
    assert found == left
    if "CustomResourceDefinition" in left:
        assert (
            "helm.sh/resource-policy"
            not in made.get("CustomResourceDefinition", CRD)["metadata"]["annotations"]
        )
