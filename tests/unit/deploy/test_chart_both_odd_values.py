"""Unusual values that are legal: what the API server would refuse is never rendered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.charts import CENTRAL, SECURED, Manifests, Object, Render

pytestmark = pytest.mark.needs("helm")

LABELS: dict[str, Any] = {
    "labels": {"cost": 12, "paid": True},
    "podAnnotations": {"big": 12345678, "part": 1.5},
    "envVars": {"COUNT": 12345678, "ON": False},
}
PORT_NAME_LENGTH = 15
"""Of a container's port (Kubernetes, IANA_SVC_NAME)."""


def texts(manifests: Manifests) -> set[type]:
    """The types of all values of labels, annotations and node selectors."""
    found: set[type] = set()
    for made in manifests:
        metadata = made["metadata"]
        found |= {type(one) for one in (*metadata["labels"].values(), *metadata["annotations"].values())}
    for pod in manifests.pods().values():
        for part in (pod["metadata"]["labels"], pod["metadata"]["annotations"], nodes(pod)):
            found |= {type(one) for one in part.values()}
    return found


def nodes(pod: Object) -> dict[str, Any]:
    selector: dict[str, Any] = pod["spec"].get("nodeSelector", {})
    return selector


def test_numbers_of_the_central_chart_become_texts_where_the_api_takes_only_texts() -> None:
    service = {"annotations": {"timeout": 600}}
    values = {"customize": LABELS, "central": {"nodeSelector": {"gpu": True, "zone": 3}, "service": service}}
    made = Render(CENTRAL, values).manifests()
    assert texts(made) == {str}
    central = made.pods()["Deployment/central"]
    assert nodes(central) == {"gpu": "true", "zone": "3"}
    assert central["metadata"]["labels"]["cost"] == "12"
    assert central["metadata"]["annotations"]["big"] == "12345678"
    assert central["metadata"]["annotations"]["part"] == "1.5"
    assert {"name": "COUNT", "value": "12345678"} in central["spec"]["containers"][0]["env"]
    assert {"name": "ON", "value": "false"} in central["spec"]["containers"][0]["env"]
    assert made.get("Service", "central")["metadata"]["annotations"]["timeout"] == "600"


def test_numbers_of_the_secured_chart_become_texts_where_the_api_takes_only_texts() -> None:
    values = {"clusterName": "c", "customize": LABELS, "collector": {"nodeSelector": "gpu: true\nzone: 3\n"}}
    made = Render(SECURED, values).manifests()
    assert texts(made) == {str}
    assert nodes(made.pods()["DaemonSet/collector"]).items() >= {"gpu": "true", "zone": "3"}.items()


def test_declared_configuration_may_have_long_dotted_and_equal_names() -> None:
    long = "x" * 100
    named = {"configMaps": ["roles", "my.dotted.name", long], "secrets": ["roles", "logins"]}
    made = Render(CENTRAL, {"central": {"declarativeConfiguration": {"mounts": named}}}).manifests()
    spec = made.pods()["Deployment/central"]["spec"]
    volumes = {one["name"]: one for one in spec["volumes"]}
    assert len(volumes) == len(spec["volumes"])
    below = "/run/stackrox.io/declarative-configuration/"
    found = {
        one["mountPath"].removeprefix(below): volumes[one["name"]]["projected"]["sources"]
        for one in spec["containers"][0]["volumeMounts"]
        if one["mountPath"].startswith(below)
    }
    assert found == {
        "roles": [
            {"configMap": {"name": "roles", "optional": True}},
            {"secret": {"name": "roles", "optional": True}},
        ],
        "my.dotted.name": [{"configMap": {"name": "my.dotted.name", "optional": True}}],
        long: [{"configMap": {"name": long, "optional": True}}],
        "logins": [{"secret": {"name": "logins", "optional": True}}],
    }


@pytest.mark.parametrize(
    ("name", "port"),
    [("plain-http", "plain-http"), ("a-name-of-16-let", "api-8444"), ("Ünlaut", "api-8444"), ("", "api-8444"),
     ("api", "api-8444"), ("1234", "api-8444"), ("a--b", "api-8444")],
)  # fmt: skip
def test_port_of_an_endpoint_has_its_name_or_one_that_the_api_takes(name: str, port: str) -> None:
    endpoint = {"listen": ":8444", "name": name, "servicePort": 8080}
    values = {"central": {"endpointsConfig": {"endpoints": [endpoint]}}}
    made = Render(CENTRAL, values).manifests()
    ports = made.pods()["Deployment/central"]["spec"]["containers"][0]["ports"]
    assert [one["name"] for one in ports if one["containerPort"] == 8444] == [port]
    assert len(port) <= PORT_NAME_LENGTH
    served = {one["port"]: one["targetPort"] for one in made.get("Service", "central")["spec"]["ports"]}
    assert served[8080] == port


@pytest.mark.parametrize(
    ("chart", "secret", "values"),
    [(CENTRAL, "additional-ca", {}), (SECURED, "additional-ca-sensor", {"clusterName": "c"})],
)
def test_names_of_further_authorities_become_keys_of_a_secret(
    chart: Any, secret: str, values: dict[str, Any]
) -> None:
    named = {"My CA/1": "one", "b.crt": "two", "c.pem": "three"}
    made = Render(chart, {"additionalCAs": named, **values}).manifests().get("Secret", secret)
    assert sorted(made.get("stringData") or made["data"]) == ["00-My_CA_1.crt", "01-b.crt", "02-c.crt"]


def resources(made: Manifests, workload: str) -> Any:
    return made.pods()[f"Deployment/{workload}"]["spec"]["containers"][0]["resources"]


def test_one_half_of_resources_never_contradicts_the_profiles_other_half() -> None:
    """The default profile: Central 1500m and 4Gi up to 4 and 8Gi, Central DB 8Gi, the Indexer up to 3Gi."""
    values = {
        "central": {
            "resources": {"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"cpu": 0.5}},
            "db": {"resources": {"limits": {"memory": "9000M"}}},
        },
        "scannerV4": {"indexer": {"resources": {"requests": {"memory": "3.5Gi"}}}},
    }
    made = Render(CENTRAL, values).manifests()
    central = resources(made, "central")
    assert central == {"requests": {"cpu": 0.5, "memory": "1Gi"}, "limits": {"cpu": 1, "memory": "1Gi"}}
    database = resources(made, "central-db")
    assert (database["requests"]["memory"], database["limits"]["memory"]) == ("8Gi", "9000M")
    indexer = resources(made, "scanner-v4-indexer")
    assert (indexer["requests"]["memory"], indexer["limits"]["memory"]) == ("3.5Gi", "3.5Gi")


def test_null_takes_a_limit_or_all_limits_out() -> None:
    values = {
        "central": {
            "resources": {"limits": {"cpu": None}, "requests": None},
            "db": {"resources": {"limits": None}},
        }
    }
    made = Render(CENTRAL, values).manifests()
    assert resources(made, "central") == {"limits": {"memory": "8Gi"}}
    assert resources(made, "central-db") == {"requests": {"cpu": "4000m", "memory": "8Gi"}}
