"""Which writes a webhook is asked about."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.k8s import kinds
from services.local.simulated.resources import parse
from services.local.simulated.store import Store
from services.local.simulated.webhooks import Webhooks, Write, selects
from services.local.simulated.world import webhook_configuration
from tests.support.pki import FixedClock

SELECTOR = {"matchExpressions": [{"key": "name", "operator": "NotIn", "values": ["kube-system"]}]}


@pytest.mark.parametrize(
    ("selector", "labels", "matches"),
    [
        ({}, {}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "2"}, False),
        (SELECTOR, {"name": "shop"}, True),
        (SELECTOR, {"name": "kube-system"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, {"a": "1"}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {}, False),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Odd"}]}, {"a": "1"}, False),
    ],
)
def test_label_selectors_match_as_kubernetes_says(
    selector: Any, labels: dict[str, str], matches: bool
) -> None:
    assert selects(selector, labels) is matches


def write(operation: str, path: str, namespace: str = "shop") -> Write:
    address = parse(path.replace("NS", namespace))
    assert address is not None
    return Write(operation, address, "x", {})


async def asked(registered: Any, what: Write) -> bool:
    """Whether the webhook is called: it has no endpoint here, so a call fails and refuses."""
    store = Store(clock=FixedClock())
    for name in ("shop", "kube-system"):
        labels = {"kubernetes.io/metadata.name": name}
        store.put(kinds.NAMESPACE, {"metadata": {"name": name, "labels": labels}})
    kind, value = registered
    for hook in value["webhooks"]:
        hook["failurePolicy"] = "Fail"
        hook["clientConfig"]["caBundle"] = ""
    store.put(kind, value)
    refused = await Webhooks(store=store, services={}).refusal(what)
    return refused is not None


@pytest.mark.parametrize(
    ("operation", "path", "namespace", "called"),
    [
        ("CREATE", "/apis/apps/v1/namespaces/NS/deployments/x", "shop", True),
        ("UPDATE", "/apis/apps/v1/namespaces/NS/deployments/x/scale", "shop", True),
        ("DELETE", "/apis/apps/v1/namespaces/NS/deployments/x", "shop", False),
        ("CREATE", "/apis/apps/v1/namespaces/NS/deployments/x", "kube-system", False),
        ("CREATE", "/api/v1/namespaces/NS/secrets/x", "shop", False),
        ("CONNECT", "/api/v1/namespaces/NS/pods/x/exec", "kube-system", True),
        ("CREATE", "/apis/batch/v1/namespaces/NS/cronjobs/x", "shop", True),
    ],
)
async def test_the_charts_webhooks_are_asked_about_workloads(
    operation: str, path: str, namespace: str, called: bool
) -> None:
    assert await asked(webhook_configuration(b""), write(operation, path, namespace)) is called


async def test_a_webhook_that_cannot_be_reached_fails_open_or_closed_as_registered() -> None:
    store = Store(clock=FixedClock())
    kind, value = webhook_configuration(b"")
    value["webhooks"][0]["namespaceSelector"] = {}
    for hook in value["webhooks"]:
        hook["clientConfig"]["caBundle"] = ""
    what = write("CREATE", "/apis/apps/v1/namespaces/NS/deployments/x")
    store.put(kind, value)
    assert await Webhooks(store=store, services={}).refusal(what) is None
    value["webhooks"][0]["failurePolicy"] = "Fail"
    store.put(kind, value)
    refused = await Webhooks(store=store, services={}).refusal(what)
    assert refused is not None
    assert refused.code == 500
    assert refused.message == (
        'failed calling webhook "policyeval.stackrox.io": service stackrox/admission-control has no endpoints'
    )
