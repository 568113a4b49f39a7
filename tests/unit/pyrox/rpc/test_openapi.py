"""The OpenAPI document: complete, consistent, and named as generated clients expect."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.pb.api.v1 import alert_service_pb2, pod_service_pb2, policy_service_pb2
from pyrox.rpc import methods
from pyrox.rpc.openapi import document

LOADED = (alert_service_pb2, pod_service_pb2, policy_service_pb2)


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    table = methods.table([], ["v1.AlertService", "v1.PolicyService", "v1.PodService"])
    return document(table.values(), prefix="/v1/", title="API Reference", version="1")


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["$ref"]} if "$ref" in value else set()
        return found.union(*(references(item) for item in value.values()))
    return set().union(*(references(item) for item in value)) if isinstance(value, list) else set()


def test_document_defines_all_it_refers_to(api: dict[str, Any]) -> None:
    names = {f"#/definitions/{name}" for name in api["definitions"]}
    assert references(api) <= names


def test_document_lists_each_binding_once(api: dict[str, Any]) -> None:
    ids = [operation["operationId"] for path in api["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    assert api["paths"]["/v1/alerts/{id}"]["get"]["operationId"] == "AlertService_GetAlert"
    assert api["paths"]["/v1/alerts/{id}"]["get"]["tags"] == ["AlertService"]


def test_parameters_of_get_are_dotted(api: dict[str, Any]) -> None:
    parameters = {item["name"]: item for item in api["paths"]["/v1/alerts"]["get"]["parameters"]}
    assert parameters["pagination.limit"] == {
        "name": "pagination.limit", "in": "query", "required": False, "type": "integer", "format": "int32",
    }  # fmt: skip
    assert parameters["pagination.sortOption.reversed"]["type"] == "boolean"


def test_parameters_of_body_field_keep_the_other_fields_as_query(api: dict[str, Any]) -> None:
    parameters = {item["name"]: item for item in api["paths"]["/v1/policies"]["post"]["parameters"]}
    assert parameters["body"]["schema"] == {"$ref": "#/definitions/storagePolicy"}
    assert parameters["enableStrictValidation"]["in"] == "query"


def test_definitions_follow_the_json_form(api: dict[str, Any]) -> None:
    alert = api["definitions"]["storageAlert"]["properties"]
    assert alert["time"] == {"type": "string", "format": "date-time"}
    assert alert["lifecycleStage"] == {"$ref": "#/definitions/storageLifecycleStage"}
    assert api["definitions"]["storageLifecycleStage"]["enum"][0] == "DEPLOY"
    labels = api["definitions"]["AlertDeployment"]["properties"]["labels"]
    assert labels == {"type": "object", "additionalProperties": {"type": "string"}}


def test_stream_answers_with_result_or_error(api: dict[str, Any]) -> None:
    schema = api["paths"]["/v1/export/pods"]["get"]["responses"]["200"]["schema"]
    assert schema["properties"]["result"] == {"$ref": "#/definitions/v1ExportPodResponse"}
    assert schema["properties"]["error"] == {"$ref": "#/definitions/googlerpcStatus"}
