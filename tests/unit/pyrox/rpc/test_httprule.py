"""Routes of the whole API: every binding is found, and the later one wins where two match."""

from __future__ import annotations

import pytest
from google.protobuf import descriptor_pool

from pyrox.pb.api.v1 import alert_service_pb2, backup_service_pb2, resource_collection_service_pb2
from pyrox.rpc import methods
from pyrox.rpc.httprule import Route, Router

LOADED = (alert_service_pb2, resource_collection_service_pb2, backup_service_pb2)
SERVICES = ["v1.AlertService", "v1.CollectionService", "v1.ExternalBackupService"]


@pytest.fixture(scope="module")
def router() -> Router:
    return Router(methods.table([], SERVICES))


def test_every_binding_leads_to_a_route(router: Router) -> None:
    bound = sum(len(descriptor_pool.Default().FindServiceByName(name).methods) for name in SERVICES)
    assert len(router.routes) == bound
    for route in router.routes:
        path = "/" + "/".join("x" if part.startswith("{") else part for part in route.segments)
        assert router.find(route.verb, path) is not None


@pytest.mark.parametrize(
    ("verb", "path", "name", "variables"),
    [
        ("GET", "/v1/alerts", "ListAlerts", {}),
        ("GET", "/v1/alerts/abc", "GetAlert", {"id": "abc"}),
        ("GET", "/v1/alerts/summary/counts", "GetAlertsGroup", None),
        ("GET", "/v1/collections/selectors", "GetCollection", {"id": "selectors"}),
        ("PATCH", "/v1/externalbackups/b", "UpdateExternalBackup", {"external_backup.id": "b"}),
        ("GET", "/v1/alerts/", "GetAlert", {"id": ""}),
        ("GET", "/v1/alerts/sha256:abc", "GetAlert", {"id": "sha256:abc"}),
    ],
)
def test_find_names_method_and_variables(
    router: Router, verb: str, path: str, name: str, variables: dict[str, str] | None
) -> None:
    found = router.find(verb, path)
    assert found is not None
    route, got = found
    if variables is not None:
        assert (route.method.descriptor.name, got) == (name, variables)


@pytest.mark.parametrize("path", ["/v1", "/", "", "/v1//alerts", "/v1/alerts/a/b/c/d"])
def test_find_unknown_path_is_none(router: Router, path: str) -> None:
    assert router.find("GET", path) is None
    assert not router.other_verb("GET", path)


def test_other_verb_tells_a_wrong_verb_from_an_unknown_path(router: Router) -> None:
    assert router.other_verb("PUT", "/v1/alerts")
    assert not router.other_verb("PUT", "/v1/nosuch")


def test_variables_of_a_route_are_field_paths(router: Router) -> None:
    found = router.find("PATCH", "/v1/externalbackups/b")
    assert found is not None
    route: Route = found[0]
    assert (route.variables, route.body) == (("external_backup.id",), "*")
