"""Query parameters: names, types, repetition and the words of a refusal."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message

from pyrox.errors import Invalid
from pyrox.pb.api.v1 import (
    alert_service_pb2,
    credential_expiry_service_pb2,
    network_graph_service_pb2,
    process_baseline_service_pb2,
    search_service_pb2,
)
from pyrox.pb.storage import deployment_pb2
from pyrox.rpc.query import MAX_PARAMETERS, populate, set_variable


def filled(message: Message, query: str, taken: tuple[str, ...] = ()) -> Message:
    populate(message, query.encode(), taken)
    return message


@pytest.mark.parametrize("query", ["pagination.sortOption.field=a", "pagination.sort_option.field=a"])
def test_populate_takes_both_names(query: str) -> None:
    request = alert_service_pb2.ListAlertsRequest()
    populate(request, query.encode())
    assert request.pagination.sort_option.field == "a"


@pytest.mark.parametrize(
    "query", ["nosuch=1", "pagination.nosuch=1", "pretty", "=x", "&&", "pagination.limit.deep=1x&a="]
)
def test_populate_ignores_unknown_names(query: str) -> None:
    request = alert_service_pb2.ListAlertsRequest()
    if "deep" in query:
        with pytest.raises(Invalid, match='invalid path: "limit" is not a message'):
            populate(request, query.encode())
    else:
        populate(request, query.encode())
        assert not request.query


def test_populate_repeated_enum_by_name_and_number() -> None:
    request = search_service_pb2.RawSearchRequest()
    populate(request, b"categories=ALERTS&categories=2&query=%C3%A9")
    assert (list(request.categories), request.query) == ([1, 2], "é")


def test_populate_map() -> None:
    deployment = deployment_pb2.Deployment()
    populate(deployment, b"labels[app]=web&labels[tier]=db")
    assert dict(deployment.labels) == {"app": "web", "tier": "db"}


def test_populate_timestamp() -> None:
    request = network_graph_service_pb2.NetworkGraphRequest()
    populate(request, b"since=2026-01-02T03:04:05.5Z")
    assert (request.since.seconds, request.since.nanos) == (1767323045, 500_000_000)


def test_populate_leaves_taken_fields_alone() -> None:
    request = alert_service_pb2.ListAlertsRequest()
    populate(request, b"query=a&pagination.limit=5", ("query",))
    assert (request.query, request.pagination.limit) == ("", 5)


REFUSED = {
    "number": ("pagination.limit=x", 'parsing field "limit": strconv.ParseInt: parsing "x": invalid syntax'),
    "range": (
        "pagination.limit=99999999999",
        'parsing field "limit": strconv.ParseInt: parsing "99999999999": value out of range',
    ),
    "boolean": (
        "pagination.sortOption.reversed=maybe",
        'parsing field "reversed": strconv.ParseBool: parsing "maybe": invalid syntax',
    ),
    "twice": ("query=a&query=b", 'too many values for field "query": a, b'),
    "message": ("pagination=x", 'parsing field "pagination": unsupported message type: "v1.Pagination"'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_populate_refuses(case: str) -> None:
    query, text = REFUSED[case]
    with pytest.raises(Invalid) as caught:
        populate(alert_service_pb2.ListAlertsRequest(), query.encode())
    assert caught.value.message == text


def test_populate_unknown_enum_is_refused() -> None:
    with pytest.raises(Invalid, match='parsing field "component": "NOPE" is not a valid value'):
        populate(credential_expiry_service_pb2.GetCertExpiry.Request(), b"component=NOPE")


def test_populate_bad_timestamp_is_refused() -> None:
    with pytest.raises(Invalid, match='"noon" is not a valid timestamp'):
        populate(network_graph_service_pb2.NetworkGraphRequest(), b"since=noon")


def test_populate_too_many_parameters_is_refused() -> None:
    with pytest.raises(Invalid, match=f"more than {MAX_PARAMETERS} query parameters"):
        populate(alert_service_pb2.ListAlertsRequest(), b"&".join(b"a=1" for _ in range(MAX_PARAMETERS + 1)))


def test_set_variable_of_inner_message() -> None:
    request = process_baseline_service_pb2.GetProcessBaselineRequest()
    set_variable(request, "key.deployment_id", "d")
    assert request.key.deployment_id == "d"


def test_set_variable_of_wrong_type_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        set_variable(alert_service_pb2.ListAlertsRequest(), "pagination.limit", "x")
    assert caught.value.message == (
        'type mismatch, parameter: pagination.limit, error: strconv.ParseInt: parsing "x": invalid syntax'
    )
