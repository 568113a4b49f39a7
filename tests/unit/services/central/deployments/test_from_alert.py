"""What an alert keeps of its deployment is enough for the scope of a policy."""

from __future__ import annotations

import pytest

from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy.scope import compile_scope
from services.central.deployments.from_alert import deployment_of
from tests.support.pki import FixedClock


def alert() -> Alert:
    made = Alert(cluster_id="c1", cluster_name="prod")
    kept = made.deployment
    kept.id, kept.name, kept.namespace, kept.namespace_id, kept.type = "d", "web", "shop", "n1", "Deployment"
    kept.cluster_id = "what the Sensor said"
    kept.labels["app"], kept.annotations["note"] = "web", "x"
    return made


def test_deployment_of_has_the_place_of_the_alert() -> None:
    found = deployment_of(alert())
    assert (found.id, found.name, found.type) == ("d", "web", "Deployment")
    assert (found.cluster_id, found.cluster_name) == ("c1", "prod")
    assert (found.namespace, found.namespace_id) == ("shop", "n1")
    assert (dict(found.labels), dict(found.annotations)) == ({"app": "web"}, {"note": "x"})


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        ({"cluster": "c1"}, True),
        ({"cluster": "c2"}, False),
        ({"namespace": "sh.*"}, True),
        ({"namespace": "bank"}, False),
        ({"label": {"key": "app", "value": "web"}}, True),
        ({"label": {"key": "app", "value": "api"}}, False),
    ],
)
def test_deployment_of_meets_scopes_as_the_whole_one_does(scope: dict[str, object], applies: bool) -> None:
    policy = Policy()
    policy.scope.add(**scope)
    compiled = compile_scope(policy)
    assert compiled.applies_to_deployment(deployment_of(alert()), FixedClock().now()) is applies
