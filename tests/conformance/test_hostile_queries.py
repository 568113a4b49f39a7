"""Malformed and hostile search texts: a clear 400 or an answer, never a crash, on every list.

Generated from the descriptors: every GET binding whose request has a query, and the
portal's private aggregates.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyrox.pg.settings import Settings
from pyrox.rpc.httprule import Route, routes
from tests.conformance.test_scopes import UI, fill
from tests.support import pg, served
from tests.support.central import RunningCentral, running_central

pytestmark = [pytest.mark.needs("postgres")]
LISTS = [
    route
    for route in routes(served.methods())
    if route.verb == "GET"
    and not route.variables
    and "query" in route.method.descriptor.input_type.fields_by_name
]
HOSTILE = (
    "nocolon",
    ":",
    "::::",
    "+",
    "Cluster:\0",
    "Cluster:r/(",
    "Cluster:r/(a+)+$",
    "Cluster:r/" + "a" * 5000,
    'Cluster:"',
    "Cluster:" + "," * 15_000,
    "Cluster ID:not-a-uuid",
    "Cluster ID:r/[",
    "CVSS:>1e400",
    "CVSS:nan",
    "CVSS:>=",
    "Image CVE Count:99999999999999999999999",
    "Severity:>=NOSUCH",
    "Violation Time:>99999999d",
    "Violation Time:99/99/9999",
    "Violation Time:tr/99999999999999999-",
    "Deployment Label:=",
    "Deployment Label:r/(=r/[",
    "Privileged:maybe",
    "Namespace:'; DROP TABLE deployments; --",
    "Namespace:%_\\",
    "Namespace:\ud83d\ude00\u202e",
    "Deployment:!!-",
    "Deployment:!!!!*",
    "x" * 9000,
)
BY_ID = [route for route in routes(served.methods()) if route.verb == "GET" and route.variables]
IDS = (
    "x",
    "%00",
    "a" * 5000,
    "%27%3B%20--",
    "00000000-0000-4000-8000-000000000000",
    "sha256%3Azz",
    "%F0%9F%98%80",
)
SORTS = ("nosuch", "Cluster ID", "'; --", "CVE", "Deployment Label", "Image Sha", "\0")


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[RunningCentral]:
    with running_central(tmp_path_factory.mktemp("central"), database) as running:
        pg.outside(fill(database))
        yield running


def parameter(route: Route) -> str:
    field = route.method.descriptor.input_type.fields_by_name["query"]
    return "query" if field.message_type is None else "query.query"


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.template)
def test_list_answers_hostile_query(central: RunningCentral, route: Route) -> None:
    with central.client() as client:
        for text in HOSTILE:
            safe = text.encode("utf-16", "surrogatepass").decode("utf-16")
            answer = client.get(route.template, params={parameter(route): safe})
            assert answer.status_code in {200, 400, 501}, (text[:60], answer.text)
            assert "internal error" not in answer.text, (text[:60], answer.text)
        assert client.get("/v1/ping").status_code == 200


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.template)
def test_list_answers_hostile_page(central: RunningCentral, route: Route) -> None:
    owner = "query.pagination" if parameter(route) == "query.query" else "pagination"
    with central.client() as client:
        for sort in SORTS:
            answer = client.get(route.template, params={f"{owner}.sortOption.field": sort})
            assert answer.status_code in {200, 400}, (sort, answer.text)
        for limit in ("-1", "0", "2147483647", "99999999999", "x"):
            answer = client.get(route.template, params={f"{owner}.limit": limit, f"{owner}.offset": "5"})
            assert answer.status_code in {200, 400}, (limit, answer.text)
            assert "internal error" not in answer.text


@pytest.mark.parametrize("path", UI)
def test_private_aggregate_answers_hostile_query(central: RunningCentral, path: str) -> None:
    with central.client() as client:
        for text in HOSTILE:
            safe = text.encode("utf-16", "surrogatepass").decode("utf-16")
            answer = client.get(path, params={"query": safe})
            assert answer.status_code in {200, 400, 404}, (text[:60], answer.text)
            assert "internal error" not in answer.text


@pytest.mark.parametrize("route", BY_ID, ids=lambda route: route.template)
def test_object_with_hostile_id_is_refused_clearly(central: RunningCentral, route: Route) -> None:
    with central.client() as client:
        for value in IDS:
            path = "/" + "/".join(value if part.startswith("{") else part for part in route.segments)
            answer = client.get(path)
            assert answer.status_code in {200, 400, 404, 501}, (value[:60], answer.text)
            assert "internal error" not in answer.text, (value[:60], answer.text)
        assert client.get("/v1/ping").status_code == 200
