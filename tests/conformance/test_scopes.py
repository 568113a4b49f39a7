"""A token limited to one namespace sees, counts and finds only what is in it: on every read.

Generated from the descriptors: every GET binding of every served method, over REST and
gRPC, asked as the administrator (who sees all places) and with the limited token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from google.protobuf import json_format

from pyrox.clock import SystemClock
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from pyrox.rpc.httprule import Route, routes
from pyrox.rpc.query import set_variable
from tests.support import pg, served
from tests.support.central import RunningCentral, running_central
from tests.support.fleet import BLUE, GREEN, KINDS, PLACES, RED, SHARED_CVE, Fleet, Place
from tests.support.rpc_caller import call, channel

pytestmark = [pytest.mark.needs("postgres")]
EVERYWHERE = "Namespace:red,blue,green"
_THINGS = "web|pod|secret|account|role|binding|policy|tool|rule|category|image|lib|os|user|container|node"
FOREIGN = re.compile(rf'\b(?:blue|green|beta)-(?:{_THINGS})\b|"(?:blue|green|beta)"|CVE-2024-(?:blue|green)')
OWN = re.compile(rf'\bred-(?:{_THINGS})\b|"red"')
FOREIGN_IDS = {p.id(kind) for p in (BLUE, GREEN) for kind in KINDS} | {BLUE.digest, GREEN.digest}
BLUE_IDS = {BLUE.id(kind) for kind in KINDS} | {BLUE.digest}
GETS = [route for route in routes(served.methods()) if route.verb == "GET"]
LISTS = [route for route in GETS if not route.variables]
BY_ID = [route for route in GETS if route.variables]
UI = (
    "/api/ui/dashboard",
    "/api/ui/vulnerabilities/counts",
    "/api/ui/vulnerabilities/cves",
    "/api/ui/vulnerabilities/images",
    "/api/ui/vulnerabilities/deployments",
    f"/api/ui/vulnerabilities/cves/{SHARED_CVE}",
)
# What must be told apart by scope here, whatever else is: a list that shows nothing
# would hide a leak.
NARROWED = {
    "/v1/alerts",
    "/v1/deployments",
    "/v1/images",
    "/v1/namespaces",
    "/v1/networkpolicies",
    "/v1/pods",
    "/v1/rbac/bindings",
    "/v1/rbac/roles",
    "/v1/rbac/subjects",
    "/v1/search",
    "/v1/secrets",
    "/v1/serviceaccounts",
    "/v1/export/deployments",
    "/v1/export/images",
    "/v1/export/pods",
    "/v1/export/vuln-mgmt/workloads",
}
COUNTED = {
    "/v1/alertscount",
    "/v1/deploymentscount",
    "/v1/imagescount",
    "/v1/processcount",
    "/v1/secretscount",
}


@dataclass
class Site:
    """A Central with a fleet, and a token that may see one namespace of it."""

    central: RunningCentral
    token: str
    alpha: str
    """A token that may see one cluster of it."""

    def rest(self, path: str, *, limited: bool) -> tuple[int, str]:
        with self.central.client(token=self.token if limited else "") as client:
            answer = client.get(path)
        return answer.status_code, answer.text


async def fill(settings: Settings) -> None:
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        await Fleet(pool).write()
    finally:
        await pool.close()


def limited_token(central: RunningCentral, name: str, rules: dict[str, Any]) -> str:
    """Read access to every resource, within what the rules include."""
    with central.client() as client:
        resources = client.get("/v1/resources").json()["resources"]
        granted = {"name": f"Reads {name}", "resourceToAccess": dict.fromkeys(resources, "READ_ACCESS")}
        permissions = client.post("/v1/permissionsets", json=granted).raise_for_status().json()["id"]
        scope = client.post("/v1/simpleaccessscopes", json={"name": f"Only {name}", "rules": rules})
        role = {"permissionSetId": permissions, "accessScopeId": scope.raise_for_status().json()["id"]}
        client.post(f"/v1/roles/Reader-{name}", json={"name": f"Reader-{name}", **role}).raise_for_status()
        made = client.post("/v1/apitokens/generate", json={"name": name, "roles": [f"Reader-{name}"]})
        return str(made.raise_for_status().json()["token"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[Site]:
    with running_central(tmp_path_factory.mktemp("central"), database) as central:
        pg.outside(fill(database))
        place = {"clusterName": RED.cluster, "namespaceName": RED.name}
        yield Site(
            central=central,
            token=limited_token(central, "red", {"includedNamespaces": [place]}),
            alpha=limited_token(central, "alpha", {"includedClusters": [RED.cluster]}),
        )


def queries(route: Route) -> list[str]:
    """Requests of a list: plain, and with queries that name foreign places."""
    fields = {field.name for field in route.method.descriptor.input_type.fields}
    if "query" not in fields:
        return [""]
    kind = route.method.descriptor.input_type.fields_by_name["query"]
    name = "query" if kind.message_type is None else "query.query"
    texts = ["", EVERYWHERE, "Cluster:beta", "Deployment:blue-web", "Namespace:!red"]
    if route.template.startswith("/v1/search"):
        texts = [
            EVERYWHERE,
            "Cluster:beta",
            "Cluster:",
            "Namespace:",
            "Deployment:",
            "Image:",
            "CVE:",
            "Subject:",
        ]
    return [f"?{name}={quote(text)}" if text else "" for text in texts]


def shows_foreign(text: str, asked: str = "") -> list[str]:
    """What of other places an answer tells beyond what was asked."""
    rest = text.replace(asked, "") if asked else text
    return FOREIGN.findall(rest) + [one for one in FOREIGN_IDS if one in rest]


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.template)
def test_list_over_rest_shows_one_namespace_only(site: Site, route: Route) -> None:
    for query in queries(route):
        whole = site.rest(route.template + query, limited=False)
        status, text = site.rest(route.template + query, limited=True)
        assert status in {200, 400, 403, 404} or status == whole[0], (query, text)
        assert not shows_foreign(text), (query, text)
    status, text = site.rest(route.template + queries(route)[0], limited=False)
    if route.template in NARROWED:
        assert shows_foreign(text), "the administrator sees every place"
        assert OWN.search(site.rest(route.template + queries(route)[0], limited=True)[1])
    if route.template in COUNTED:
        assert json.loads(text)["count"] == len(PLACES)
        assert json.loads(site.rest(route.template, limited=True)[1])["count"] == 1


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.template)
def test_list_over_grpc_shows_one_namespace_only(site: Site, route: Route) -> None:
    request: Any = route.method.request()
    if route.template in {"/v1/search", "/v1/search/autocomplete"}:
        request.query = EVERYWHERE
    with channel(site.central) as opened:
        status, text, answers = call(opened, route.method, request, site.token)
    shown = "".join(json_format.MessageToJson(answer) for answer in answers)
    assert not shows_foreign(text + shown)
    if route.template in NARROWED:
        assert status == grpc.StatusCode.OK
        assert OWN.search(shown)
    if route.template in COUNTED:
        assert answers[0].count == 1  # type: ignore[attr-defined]  # counts have it


def values_of(place: Place) -> list[str]:
    """Everything by which an object of a place may be asked for."""
    ids = [place.id(kind) for kind in KINDS]
    return [*ids, place.digest, place.image_id, f"{place.name}-user", f"{place.name}-web", place.cluster_id]


@pytest.mark.parametrize("route", BY_ID, ids=lambda route: route.template)
def test_object_of_another_namespace_does_not_exist(site: Site, route: Route) -> None:
    with channel(site.central) as opened:
        for value in values_of(BLUE) + values_of(GREEN):
            path = "/" + "/".join(
                quote(value, safe="") if part.startswith("{") else part for part in route.segments
            )
            _, text = site.rest(path, limited=True)
            assert not shows_foreign(text, value), (path, text)
            request = route.method.request()
            for variable in route.variables:
                set_variable(request, variable, value)
            _, details, answers = call(opened, route.method, request, site.token)
            shown = "".join(json_format.MessageToJson(answer) for answer in answers)
            assert not shows_foreign(details + shown, value), (path, details, shown)


@pytest.mark.parametrize(
    "path", ["/v1/deployments/", "/v1/secrets/", "/v1/alerts/", "/v1/serviceaccounts/"], ids=str
)
def test_own_object_is_shown_and_a_foreign_one_is_not_found(site: Site, path: str) -> None:
    kind = {
        "deployments": "deployment",
        "secrets": "secret",
        "alerts": "alert",
        "serviceaccounts": "account",
    }[path.split("/")[2]]
    assert site.rest(path + RED.id(kind), limited=True)[0] == 200
    assert site.rest(path + BLUE.id(kind), limited=True)[0] == 404
    assert site.rest(path + BLUE.id(kind), limited=False)[0] == 200


@pytest.mark.parametrize("path", UI)
def test_private_aggregate_shows_one_namespace_only(site: Site, path: str) -> None:
    for query in ("", "?query=" + quote("Namespace:blue"), "?query=" + quote("Cluster:beta")):
        _, text = site.rest(path + query, limited=True)
        assert not shows_foreign(text), (query, text)
    status, text = site.rest(path, limited=False)
    assert status == 200
    assert json.loads(text) != json.loads(site.rest(path, limited=True)[1])


@pytest.mark.parametrize("path", UI)
def test_private_aggregate_without_identity_is_refused(site: Site, path: str) -> None:
    with site.central.client(auth=None) as client:
        answer = client.get(path)
    assert answer.status_code == 401
    assert set(answer.json()) == {"code", "message", "details", "error"}


@pytest.mark.parametrize(
    "path",
    [
        "/api/ui/vulnerabilities/cves?limit=0",
        "/api/ui/vulnerabilities/cves?limit=1001",
        "/api/ui/vulnerabilities/images?offset=-1",
        "/api/ui/vulnerabilities/deployments?sort=nosuch",
        "/api/ui/vulnerabilities/cves?query=nocolon",
        "/api/ui/vulnerabilities/counts?query=CVE:" + "x" * 9000,
    ],
    ids=lambda path: path[:60],
)
def test_private_aggregate_refuses_bad_parameters(site: Site, path: str) -> None:
    status, text = site.rest(path, limited=False)
    assert status == 400, text
    assert json.loads(text)["code"] == 3


@pytest.mark.parametrize(
    "path",
    [
        f"/api/ui/vulnerabilities/cves/{BLUE.cve}",
        f"/api/ui/vulnerabilities/images/{BLUE.image_id}",
        f"/api/ui/vulnerabilities/images/{BLUE.image_id}/cves",
        f"/api/ui/vulnerabilities/images/{GREEN.image_id}",
    ],
)
def test_private_object_of_another_namespace_does_not_exist(site: Site, path: str) -> None:
    assert site.rest(path, limited=False)[0] == 200
    assert site.rest(path, limited=True)[0] == 404


def test_private_object_is_found_under_its_encoded_name(site: Site) -> None:
    status, text = site.rest("/api/ui/vulnerabilities/cves/" + quote(RED.cve, safe=""), limited=True)
    assert status == 200
    assert json.loads(text)["cve"] == RED.cve
    assert site.rest("/api/ui/vulnerabilities/cves/a%2Fb%20c", limited=True)[0] == 404


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.template)
def test_list_within_one_cluster_shows_nothing_of_the_other(site: Site, route: Route) -> None:
    with site.central.client(token=site.alpha) as client:
        for query in queries(route):
            text = client.get(route.template + query).text
            assert not [
                found for found in shows_foreign(text) if "blue" not in found and found not in BLUE_IDS
            ]
        text = client.get(route.template + queries(route)[0]).text
    if route.template in NARROWED - {"/v1/search"}:
        assert OWN.search(text)
        assert "blue" in text
    if route.template in COUNTED:
        assert json.loads(text)["count"] == 2


def test_clusters_and_nodes_are_seen_by_whoever_may_see_the_whole_cluster(site: Site) -> None:
    with site.central.client(token=site.alpha) as client:
        assert [one["name"] for one in client.get("/v1/clusters").json()["clusters"]] == ["alpha"]
        assert client.get(f"/v1/nodes/{GREEN.cluster_id}").json() == {"nodes": []}
        (node,) = client.get(f"/v1/nodes/{RED.cluster_id}").json()["nodes"]
        assert node["name"] == "alpha-node"
    assert json.loads(site.rest(f"/v1/nodes/{RED.cluster_id}", limited=True)[1]) == {"nodes": []}
