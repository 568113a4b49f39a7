"""A real Central, a registry with a password, a CI script: integrations and checks over REST."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from pyrox.mtls.identity import Subject
from pyrox.pb.api.v1.image_integration_service_pb2 import GetImageIntegrationsRequest
from pyrox.pb.api.v1.image_integration_service_pb2_grpc import ImageIntegrationServiceStub
from pyrox.pg.settings import Settings
from tests.support.central import RunningCentral, running_central
from tests.support.fake_registry import FakeRegistry, layer_of, running
from tests.support.rpc_caller import channel

pytestmark = [pytest.mark.needs("postgres"), pytest.mark.timeout(120)]
SECRET = "t0p-S3cret-pull"
HIDDEN = "******"


@dataclass
class Site:
    """A Central that may use a local registry, and the administrator's client."""

    central: RunningCentral
    registry: FakeRegistry
    client: httpx.Client

    def integration(self, name: str, **docker: Any) -> dict[str, Any]:
        config = {"endpoint": self.registry.base, "username": "puller", "password": SECRET, **docker}
        return {"name": name, "type": "docker", "categories": ["REGISTRY"], "docker": config}

    def post(self, path: str, body: Any) -> httpx.Response:
        return self.client.post(path, json=body)

    def alerts(self, image: str, **fields: Any) -> list[str]:
        answer = self.post("/v1/detect/build", {"imageName": image, **fields})
        assert answer.status_code == 200, answer.text
        return [alert["policy"]["name"] for alert in answer.json()["alerts"]]

    def check(self, text: str, **fields: Any) -> dict[str, Any]:
        answer = self.post("/v1/detect/deploy/yaml", {"yaml": text, "noExternalMetadata": True, **fields})
        assert answer.status_code == 200, answer.text
        checked: dict[str, Any] = answer.json()
        return checked


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[Site]:
    registry = FakeRegistry(auth="basic", password=SECRET)
    with (
        running(registry),
        running_central(
            tmp_path_factory.mktemp("central"),
            database,
            arguments=("--allow-local-registries",),
            environment={"ROX_SCANNER_V4": "false"},
        ) as central,
        central.client() as client,
    ):
        registry.push("team/app", "latest", [layer_of({"a": b"1"})], config())
        yield Site(central, registry, client)
        assert SECRET not in central.log.read_text()


def config() -> dict[str, Any]:
    made = {"created": "2020-01-01T00:00:00Z", "architecture": "amd64", "os": "linux"}
    line = {"created": made["created"], "created_by": "/bin/sh -c apt-get update"}
    return {**made, "config": {"User": "root"}, "history": [line]}


@pytest.fixture
def posted(site: Site) -> Iterator[dict[str, Any]]:
    """A stored integration."""
    answer = site.post("/v1/imageintegrations", site.integration("lab"))
    assert answer.status_code == 200, answer.text
    yield answer.json()
    site.client.delete(f"/v1/imageintegrations/{answer.json()['id']}")


def test_posted_integration_never_shows_its_password(site: Site, posted: dict[str, Any]) -> None:
    assert posted["docker"]["password"] == HIDDEN
    listed = site.client.get("/v1/imageintegrations").json()["integrations"]
    assert [one["name"] for one in listed] == ["lab"]
    shown = site.client.get(f"/v1/imageintegrations/{posted['id']}").json()
    assert shown == listed[0] == posted
    assert SECRET not in site.client.get("/v1/imageintegrations").text


def test_sensor_gets_the_password_that_it_pulls_with(site: Site, posted: dict[str, Any]) -> None:
    files = site.central.pki.files(Subject("SENSOR_SERVICE", "c"), name="sensor-integrations")
    with channel(site.central, files) as opened:
        listed = ImageIntegrationServiceStub(opened).GetImageIntegrations(GetImageIntegrationsRequest())
    assert [(one.id, one.docker.password) for one in listed.integrations] == [(posted["id"], SECRET)]


@pytest.mark.parametrize("path", ["/v1/imageintegrations", "/v1/imageintegrations/test"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"docker": {"password": "wrong-S3cret"}}, "registry integration: "),
        ({"name": ""}, "Validation error: integration name must be defined"),
        (
            {"name": "", "type": "", "categories": []},
            "Validation errors: [integration name must be defined, integration type must be defined, ",
        ),
        ({"type": "scannerv4"}, "cannot be created"),
        ({"type": "cobol"}, "integration type 'cobol' with categories REGISTRY is not served"),
    ],
)
def test_integration_that_cannot_work_is_refused(
    site: Site, path: str, change: dict[str, Any], message: str
) -> None:
    body = site.integration("broken", **change.get("docker", {}))
    answer = site.post(path, {**body, **{key: value for key, value in change.items() if key != "docker"}})
    assert answer.status_code in {400, 501}, answer.text
    assert message in answer.json()["message"]
    assert "S3cret" not in answer.text
    assert site.client.get("/v1/imageintegrations").json()["integrations"] == []


def test_integration_with_an_id_is_refused(site: Site) -> None:
    answer = site.post("/v1/imageintegrations", {**site.integration("mine"), "id": "mine"})
    assert answer.status_code == 400
    assert "id field should be empty when posting a new image integration" in answer.json()["message"]


def test_integration_of_a_known_name_is_refused(site: Site, posted: dict[str, Any]) -> None:
    answer = site.post("/v1/imageintegrations", site.integration("lab"))
    assert (answer.status_code, posted["name"] in answer.json()["message"]) == (409, True)


def test_change_keeps_the_password_unless_it_is_sent_elsewhere(site: Site, posted: dict[str, Any]) -> None:
    path = f"/v1/imageintegrations/{posted['id']}"
    renamed = {**posted, "name": "renamed"}
    assert site.client.patch(path, json={"config": renamed, "updatePassword": False}).status_code == 200
    asked = len(site.registry.requests)
    with running(FakeRegistry()) as evil:
        moved = {**renamed, "docker": {**posted["docker"], "endpoint": evil.base}}
        for way in (
            site.client.patch(path, json={"config": moved}),
            site.post("/v1/imageintegrations/test/updated", {"config": moved}),
        ):
            assert way.status_code == 400
            assert "credentials required to update field 'endpoint'" in way.json()["message"]
        assert evil.requests == []
    assert len(site.registry.requests) == asked
    wrong = {**renamed, "docker": {**posted["docker"], "password": "wrong"}}
    answer = site.client.patch(path, json={"config": wrong, "updatePassword": True})
    assert answer.status_code == 400
    assert site.client.get(path).json()["name"] == "renamed"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown_integration_is_not_found(site: Site, method: str) -> None:
    assert site.client.request(method, "/v1/imageintegrations/nosuch").status_code == 404


def test_image_check_reads_the_image_with_the_stored_password(site: Site, posted: dict[str, Any]) -> None:
    image = f"{site.registry.host}/team/app"
    assert set(site.alerts(image, force=True)) == {
        "90-Day Image Age",
        "Docker CIS 4.1: Ensure That a User for the Container Has Been Created",
        "Docker CIS 4.7: Alert on Update Instruction",
        "Latest tag",
    }
    body = site.post("/v1/detect/build", {"imageName": image}).json()
    assert [a["policy"]["id"] for a in body["alerts"]] == sorted(a["policy"]["id"] for a in body["alerts"])
    assert {a["lifecycleStage"] for a in body["alerts"]} == {"BUILD"}
    assert {a["image"]["name"]["fullName"] for a in body["alerts"]} == {f"{image}:latest"}
    stored = site.client.get("/v1/images", params={"query": f"Image:{image}"}).json()["images"]
    assert [one["name"] for one in stored] == [f"{image}:latest"]
    assert SECRET not in json.dumps(body)
    assert posted["id"]
    # The answers are not kept as alerts.
    assert site.client.get("/v1/alertscount").json() == {"count": 0}


def test_image_check_by_name_alone_needs_no_registry(site: Site) -> None:
    asked = len(site.registry.requests)
    image = f"{site.registry.host}/team/unseen:latest"
    assert "Latest tag" in site.alerts(image, noExternalMetadata=True)
    assert site.alerts(image, noExternalMetadata=True, policyCategories=["devops best practices"]) == [
        "Latest tag"
    ]
    assert len(site.registry.requests) == asked


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 400, "image or image_name must be specified: invalid arguments"),
        ({"image": {}}, 400, "image name must be specified: invalid arguments"),
        (
            {"imageName": "a:1", "force": True, "noExternalMetadata": True},
            400,
            "force and no_external_metadata are mutually exclusive: invalid arguments",
        ),
        ({"imageName": "A B"}, 400, "A B"),
        (
            {"imageName": "a:1", "noExternalMetadata": True, "policyCategories": ["nosuch"]},
            500,
            "allowed categories ['nosuch'] did not match any policy categories",
        ),
    ],
)
def test_image_check_that_makes_no_sense_is_refused(
    site: Site, body: dict[str, Any], status: int, message: str
) -> None:
    answer = site.post("/v1/detect/build", body)
    assert (answer.status_code, message in answer.json()["message"]) == (status, True), answer.text


def test_image_check_of_an_unknown_image_names_it_and_what_was_tried(
    site: Site, posted: dict[str, Any]
) -> None:
    image = f"{site.registry.host}/team/nosuch:1"
    answer = site.post("/v1/detect/build", {"imageName": image})
    message = answer.json()["message"]
    assert answer.status_code == 404
    assert f"error getting metadata for image: {image} errors: [{posted['name']}: " in message
    assert SECRET not in answer.text


def workload(name: str, extra: str = "", image: str = "registry.example/app:1") -> str:
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n"
        "  selector: {matchLabels: {app: x}}\n  template:\n    metadata: {labels: {app: x}}\n"
        f"    spec:\n      containers:\n      - {{name: c, image: '{image}'{extra}}}\n"
    )


PRIVILEGED = ", securityContext: {privileged: true}"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {}\n"
CUSTOM = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w, namespace: n}\n"


def test_yaml_check_answers_in_the_order_of_the_documents(site: Site) -> None:
    text = "---\n".join(
        [workload("b", PRIVILEGED), SERVICE, CUSTOM, workload("a"), "\n", workload("c", PRIVILEGED)]
    )
    answer = site.check(text)
    assert [(run["name"], run["type"]) for run in answer["runs"]] == [
        (n, "Deployment") for n in ("b", "a", "c")
    ]
    assert answer["ignoredObjectRefs"] == ["n/w[example.com/v1, Kind=Widget]"]
    assert answer["remarks"] == []
    violated = [
        ["Privileged Container" in {a["policy"]["name"] for a in run["alerts"]}] for run in answer["runs"]
    ]
    assert violated == [[True], [False], [True]]
    for run in answer["runs"]:
        ids = [alert["policy"]["id"] for alert in run["alerts"]]
        assert ids == sorted(ids)
        assert {alert["lifecycleStage"] for alert in run["alerts"]} <= {"DEPLOY"}


def test_yaml_check_of_enforced_policies_only(site: Site) -> None:
    assert site.check(workload("a", PRIVILEGED), enforcementOnly=True)["runs"][0]["alerts"] == []


def test_yaml_check_by_category(site: Site) -> None:
    answer = site.check(workload("a", PRIVILEGED, "x:latest"), policyCategories=["PRIVILEGES"])
    categories = {c for alert in answer["runs"][0]["alerts"] for c in alert["policy"]["categories"]}
    assert "Privileges" in categories
    assert all("Privileges" in a["policy"]["categories"] for a in answer["runs"][0]["alerts"])


def test_yaml_check_sees_network_policies_of_the_same_namespace(site: Site) -> None:
    policy = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\n"
        "spec: {podSelector: {}, policyTypes: [Ingress]}\n"
    )
    name = "Deployments should have at least one ingress Network Policy"
    other = policy.replace("name: p", "name: p, namespace: other")

    def violated(*documents: str, **fields: Any) -> bool:
        answer = site.check("---\n".join(documents), **fields)
        return name in {alert["policy"]["name"] for alert in answer["runs"][0]["alerts"]}

    policies = site.client.get("/v1/policies", params={"query": f'Policy:"{name}"'}).json()["policies"]
    site.client.patch(f"/v1/policies/{policies[0]['id']}", json={"disabled": False})
    try:
        assert not violated(workload("a"), policy)
        assert not violated(workload("a"), policy, namespace="prod")
        assert violated(workload("a"), other)
    finally:
        site.client.patch(f"/v1/policies/{policies[0]['id']}", json={"disabled": policies[0]["disabled"]})


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"yaml": ""}, 400, "yaml field must be specified in detection request"),
        ({"yaml": "kind: ["}, 400, "could not parse yaml: error converting YAML to JSON: yaml: "),
        ({"yaml": workload("a") + "---\njust text"}, 400, "could not parse yaml: couldn't get version/kind"),
        ({"yaml": workload("a"), "cluster": "nosuch"}, 404, "nosuch"),
        ({"yaml": workload("a"), "policyCategories": ["nosuch"]}, 500, "did not match any policy categories"),
    ],
)
def test_yaml_check_that_cannot_be_done_says_why(
    site: Site, fields: dict[str, Any], status: int, message: str
) -> None:
    answer = site.post("/v1/detect/deploy/yaml", {"noExternalMetadata": True, **fields})
    assert (answer.status_code, message in answer.json()["message"]) == (status, True), answer.text


def test_deployment_check_takes_a_whole_deployment(site: Site) -> None:
    container = {"name": "c", "securityContext": {"privileged": True}, "image": {"name": {"fullName": "x:1"}}}
    deployment = {"id": "d", "name": "web", "type": "Deployment", "containers": [container]}
    answer = site.post("/v1/detect/deploy", {"deployment": deployment, "noExternalMetadata": True})
    (run,) = answer.json()["runs"]
    assert (run["name"], "Privileged Container" in {a["policy"]["name"] for a in run["alerts"]}) == (
        "web",
        True,
    )
    refused = site.post("/v1/detect/deploy", {})
    assert (refused.status_code, "Deployment must be passed" in refused.text) == (400, True)


def test_changed_policy_counts_at_the_next_check(site: Site) -> None:
    image = "registry.example/app:forbidden"
    policy = {
        "name": "Forbidden tag here",
        "severity": "LOW_SEVERITY",
        "categories": ["DevOps Best Practices"],
        "lifecycleStages": ["BUILD"],
        "policyVersion": "1.1",
        "policySections": [
            {"policyGroups": [{"fieldName": "Image Tag", "values": [{"value": "forbidden"}]}]}
        ],
    }
    assert "Forbidden tag here" not in site.alerts(image, noExternalMetadata=True)
    created = site.post("/v1/policies", policy).json()
    assert "Forbidden tag here" in site.alerts(image, noExternalMetadata=True)
    site.client.delete(f"/v1/policies/{created['id']}")
    assert "Forbidden tag here" not in site.alerts(image, noExternalMetadata=True)
