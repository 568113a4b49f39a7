"""The simulated cluster's first objects."""

from __future__ import annotations

import base64
from collections import Counter

from pyrox.k8s import kinds
from services.local.simulated import images
from services.local.simulated.controllers import OWNERS
from services.local.simulated.resources import WEBHOOKS
from services.local.simulated.store import Json, name_of
from services.local.simulated.world import World, webhook_configuration

REGISTRY = "127.0.10.5:5000"


def workloads() -> list[Json]:
    found = World(registry=REGISTRY).objects()
    return [value for kind, value in found if kind.name in OWNERS or kind == kinds.POD]


def test_a_few_dozen_workloads_live_in_several_namespaces() -> None:
    assert len(workloads()) >= 36
    counted = Counter(value["metadata"]["namespace"] for value in workloads())
    assert len([name for name, count in counted.items() if count >= 2]) >= 6


def test_everything_is_labelled_as_simulated() -> None:
    for _, value in World(registry=REGISTRY).objects(deployments=2):
        assert value["metadata"]["labels"]["pyrox.local/simulated"] == "true"
    nodes = [name_of(value) for kind, value in World(registry=REGISTRY).objects() if kind == kinds.NODE]
    assert nodes
    assert all(name.startswith("simulated-") for name in nodes)


def test_every_image_is_in_the_demo_registry() -> None:
    known = {f"{REGISTRY}/{name}:{tag}" for name, tag in images.build().manifests if ":" not in tag}
    used = {container["image"] for value in workloads() for container in _pod_spec(value)["containers"]}
    assert used <= known
    assert len(used) >= 12


def test_namespaces_and_nodes_come_before_what_needs_them() -> None:
    order = [kind for kind, _ in World(registry=REGISTRY).objects()]
    last_basis = max(index for index, kind in enumerate(order) if kind in {kinds.NODE, kinds.NAMESPACE})
    assert last_basis < order.index(kinds.DEPLOYMENT)


def test_accounts_that_workloads_use_exist() -> None:
    objects = list(World(registry=REGISTRY).objects())
    accounts = {
        (value["metadata"]["namespace"], name_of(value))
        for kind, value in objects
        if kind == kinds.SERVICE_ACCOUNT
    }
    for value in workloads():
        assert (value["metadata"]["namespace"], _pod_spec(value)["serviceAccountName"]) in accounts


def test_the_load_generator_adds_so_many_deployments() -> None:
    plain, loaded = (
        sum(kind == kinds.DEPLOYMENT for kind, _ in World(registry=REGISTRY).objects(deployments=count))
        for count in (0, 250)
    )
    assert loaded - plain == 250


def test_the_webhooks_are_those_of_the_chart() -> None:
    kind, value = webhook_configuration(b"PEM")
    assert kind == WEBHOOKS
    validate, events = value["webhooks"]
    assert validate["name"] == "policyeval.stackrox.io"
    assert validate["clientConfig"]["service"]["path"] == "/validate"
    assert validate["failurePolicy"] == "Ignore"
    assert validate["timeoutSeconds"] == 12
    assert base64.b64decode(validate["clientConfig"]["caBundle"]) == b"PEM"
    assert events["rules"][0]["operations"] == ["CONNECT"]


def _pod_spec(value: Json) -> Json:
    spec: Json = value["spec"]
    if "jobTemplate" in spec:
        spec = spec["jobTemplate"]["spec"]
    return spec["template"]["spec"] if "template" in spec else spec
