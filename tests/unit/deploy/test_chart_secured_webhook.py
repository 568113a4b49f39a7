"""The admission controller in the chart: what is reviewed, by whom, and that there is no gap."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.admission import config as admission
from tests.support.charts import SECURED, Manifests, Object, Render
from tests.support.network_policies import matches

pytestmark = pytest.mark.needs("helm")
NAME = {"clusterName": "prod"}


@pytest.fixture(scope="module")
def plain() -> Manifests:
    return Render(SECURED, NAME).manifests()


def hooks(made: Manifests) -> dict[str, Object]:
    """The webhooks by name."""
    found = made.get("ValidatingWebhookConfiguration", "stackrox")["webhooks"]
    return {hook["name"]: hook for hook in found}


def test_webhooks_are_upstreams(plain: Manifests) -> None:
    found = hooks(plain)
    assert {name: hook["clientConfig"]["service"]["path"] for name, hook in found.items()} == {
        "policyeval.stackrox.io": "/validate",
        "k8sevents.stackrox.io": "/events",
    }
    policies, events = found["policyeval.stackrox.io"]["rules"][0], found["k8sevents.stackrox.io"]["rules"][0]
    assert policies["operations"] == ["CREATE", "UPDATE"]
    assert set(policies["resources"]) == {
        "pods",
        "deployments",
        "deployments/scale",
        "replicasets",
        "replicationcontrollers",
        "statefulsets",
        "daemonsets",
        "cronjobs",
        "jobs",
    }
    assert events["operations"] == ["CONNECT"]
    assert events["resources"] == ["pods", "pods/exec", "pods/portforward", "pods/attach"]
    for hook in found.values():
        assert (hook["timeoutSeconds"], hook["failurePolicy"]) == (12, "Ignore")
        assert hook["sideEffects"] == "NoneOnDryRun"
        assert hook["admissionReviewVersions"] == ["v1", "v1beta1"]


@pytest.mark.parametrize("name", ["policyeval.stackrox.io", "k8sevents.stackrox.io"])
@pytest.mark.parametrize(
    ("namespace", "reviewed"),
    [
        ("kube-system", False),
        ("kube-public", False),
        ("istio-system", False),
        ("acme", False),
        ("shop", True),
    ],
)
def test_system_and_own_namespace_are_never_reviewed(name: str, namespace: str, reviewed: bool) -> None:
    made = Render(SECURED, {**NAME, "allowNonstandardNamespace": True}, namespace="acme").manifests()
    selector = hooks(made)[name]["namespaceSelector"]
    assert matches(selector, {"kubernetes.io/metadata.name": namespace}) is reviewed


def test_webhook_configuration_goes_before_the_pods_that_answer_it(plain: Manifests) -> None:
    installed, hook = plain.of("ValidatingWebhookConfiguration")
    assert hook["metadata"]["name"] == installed["metadata"]["name"] == "stackrox"
    # Applied without Helm, the second must not change the first.
    assert hook["webhooks"] == installed["webhooks"]
    annotations = hook["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "pre-delete"
    assert annotations["helm.sh/hook-delete-policy"].split(",") == [
        "before-hook-creation",
        "hook-succeeded",
        "hook-failed",
    ]
    assert "helm.sh/hook" not in installed["metadata"]["annotations"]


def test_own_selector_replaces_the_charts() -> None:
    chosen = {"admissionControl": {"namespaceSelector": {"matchLabels": {"guarded": "yes"}}}}
    found = hooks(Render(SECURED, {**NAME, **chosen}).manifests())
    selectors = [hook["namespaceSelector"] for hook in found.values()]
    assert selectors == [{"matchLabels": {"guarded": "yes"}}] * 2


def test_without_enforcement_only_events_are_reviewed() -> None:
    made = Render(SECURED, {**NAME, "admissionControl": {"enforce": False}}).manifests()
    assert list(hooks(made)) == ["k8sevents.stackrox.io"]


def test_fail_policy_reaches_both_webhooks() -> None:
    made = Render(SECURED, {**NAME, "admissionControl": {"failurePolicy": "Fail"}}).manifests()
    assert {hook["failurePolicy"] for hook in hooks(made).values()} == {"Fail"}


def test_openshift_also_reviews_its_own_workloads() -> None:
    made = Render(SECURED, NAME, apis=["config.openshift.io/v1"]).manifests()
    assert "deploymentconfigs" in hooks(made)["policyeval.stackrox.io"]["rules"][0]["resources"]
    uses = made.get("Role", "use-collector-scc")["rules"][0]
    assert uses["resourceNames"] == ["privileged"]


def test_webhook_reaches_the_pods_through_the_service(plain: Manifests) -> None:
    service = plain.get("Service", "admission-control")
    target = hooks(plain)["policyeval.stackrox.io"]["clientConfig"]["service"]
    assert (target["namespace"], target["name"]) == ("stackrox", "admission-control")
    assert [(one["port"], one["targetPort"]) for one in service["spec"]["ports"]] == [
        (target["port"], "webhook")
    ]
    pod = plain.pods()["Deployment/admission-control"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    ports = {one["name"]: one["containerPort"] for one in pod["spec"]["containers"][0]["ports"]}
    assert ports["webhook"] == 8443


def test_an_old_pod_goes_only_when_a_new_one_is_ready(plain: Manifests) -> None:
    spec = plain.get("Deployment", "admission-control")["spec"]
    assert spec["replicas"] == 3
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    budget = plain.get("PodDisruptionBudget", "admission-control")["spec"]
    assert budget == {"maxUnavailable": 1, "selector": spec["selector"]}
    keys = [one["topologyKey"] for one in spec["template"]["spec"]["topologySpreadConstraints"]]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]


def test_a_pod_that_ends_has_time_for_its_last_reviews(plain: Manifests) -> None:
    pod = plain.pods()["Deployment/admission-control"]["spec"]
    read = admission.load(pod["containers"][0]["args"], {})
    longest = hooks(plain)["policyeval.stackrox.io"]["timeoutSeconds"]
    assert read.drain == timedelta(seconds=15)
    assert pod["terminationGracePeriodSeconds"] > read.drain.total_seconds() + longest


def test_admission_reads_its_settings_from_the_mounted_config_map(plain: Manifests) -> None:
    container = plain.pods()["Deployment/admission-control"]["spec"]["containers"][0]
    fields = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    read = admission.load(container["args"], fields)
    mounts = {mount["mountPath"].rstrip("/"): mount["name"] for mount in container["volumeMounts"]}
    assert mounts[str(read.mounted)] == "config"
    assert mounts[str(read.state)] == "config-store"
    assert read.sensor == "sensor.stackrox.svc:443"
    assert read.image_bytes == 200 << 20
    assert plain.get("ConfigMap", "admission-control").get("data") is None


def test_readiness_is_upstreams_and_a_pod_without_settings_is_not_restarted(plain: Manifests) -> None:
    container = plain.pods()["Deployment/admission-control"]["spec"]["containers"][0]
    ready: dict[str, Any] = container["readinessProbe"]
    assert ready["httpGet"] == {"scheme": "HTTPS", "path": "/ready", "port": "webhook"}
    assert (ready["initialDelaySeconds"], ready["periodSeconds"], ready["failureThreshold"]) == (5, 5, 1)
    # It answers this path from its first second on, with or without settings.
    assert container["livenessProbe"]["httpGet"]["path"] == "/validate"
