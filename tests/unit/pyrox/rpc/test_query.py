"""Query parameters: names, types, repetition and the words of a refusal."""

from __future__ import annotations

import math

import pytest
from google.protobuf import wrappers_pb2
from google.protobuf.message import Message

from pyrox.errors import Invalid
from pyrox.pb.api.v1 import (
    alert_service_pb2,
    credential_expiry_service_pb2,
    cve_service_pb2,
    network_graph_service_pb2,
    policy_service_pb2,
    process_baseline_service_pb2,
    search_service_pb2,
)
from pyrox.pb.storage import alert_pb2, deployment_pb2
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


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (wrappers_pb2.Int32Value, "-2147483648", -(2**31)),
        (wrappers_pb2.UInt32Value, "4294967295", 2**32 - 1),
        (wrappers_pb2.Int64Value, "%2B5", 5),
        (wrappers_pb2.UInt64Value, "18446744073709551615", 2**64 - 1),
        (wrappers_pb2.DoubleValue, "1e3", 1000.0),
        (wrappers_pb2.DoubleValue, "-Inf", -math.inf),
        (wrappers_pb2.FloatValue, "0.5", 0.5),
        (wrappers_pb2.BoolValue, "t", True),
        (wrappers_pb2.BoolValue, "FALSE", False),
        (wrappers_pb2.BytesValue, "%2B%2F8%3D", b"\xfb\xff"),
        (wrappers_pb2.BytesValue, "-_8%3D", b"\xfb\xff"),
        (wrappers_pb2.StringValue, "a+b%26", "a b&"),
    ],
)
def test_populate_reads_each_scalar_type(kind: type[Message], text: str, expected: object) -> None:
    message = kind()
    populate(message, f"value={text}".encode())
    assert getattr(message, "value") == expected  # noqa: B009 - the types differ


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (wrappers_pb2.Int32Value, "2147483648", 'strconv.ParseInt: parsing "2147483648": value out of range'),
        (wrappers_pb2.UInt32Value, "-1", 'strconv.ParseUint: parsing "-1": invalid syntax'),
        (wrappers_pb2.UInt64Value, "%2B1", 'strconv.ParseUint: parsing "+1": invalid syntax'),
        (wrappers_pb2.Int64Value, "", 'strconv.ParseInt: parsing "": invalid syntax'),
        (wrappers_pb2.Int64Value, "1_0", 'strconv.ParseInt: parsing "1_0": invalid syntax'),
        (wrappers_pb2.Int64Value, "%D9%A1", 'strconv.ParseInt: parsing "\u0661": invalid syntax'),
        (wrappers_pb2.DoubleValue, "%D9%A1", 'strconv.ParseFloat: parsing "\u0661": invalid syntax'),
        (wrappers_pb2.DoubleValue, "1_0", 'strconv.ParseFloat: parsing "1_0": invalid syntax'),
        (wrappers_pb2.DoubleValue, "%201", 'strconv.ParseFloat: parsing " 1": invalid syntax'),
        (wrappers_pb2.DoubleValue, "", 'strconv.ParseFloat: parsing "": invalid syntax'),
        (wrappers_pb2.FloatValue, "1e39", 'strconv.ParseFloat: parsing "1e39": value out of range'),
        (wrappers_pb2.BoolValue, "yes", 'strconv.ParseBool: parsing "yes": invalid syntax'),
        (wrappers_pb2.BytesValue, "A", "illegal base64 data at input byte 0"),
        (wrappers_pb2.BytesValue, "%2B_8%3D", "illegal base64 data at input byte 0"),
    ],
)
def test_populate_of_wrong_scalar_has_gos_words(kind: type[Message], text: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        populate(kind(), f"value={text}".encode())
    assert caught.value.message == f'parsing field "value": {words}'


def test_populate_repeated_text_keeps_order_and_empty_texts() -> None:
    request = policy_service_pb2.ExportPoliciesRequest()
    populate(request, b"policyIds=b&policy_ids=c&policyIds=&policyIds=a")
    assert list(request.policy_ids) == ["b", "", "a", "c"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            "labels[a]=1&labels[a]=2",
            'more than one value provided for key "a" in map "storage.Deployment.labels"',
        ),
        ("labels=1", 'more than one value provided for key "1" in map "storage.Deployment.labels"'),
        ("containers=x", 'parsing list "containers": unsupported message type: "storage.Container"'),
        ("created=x", 'parsing field "created": "x" is not a valid timestamp'),
        ("id=1&id=2", 'too many values for field "id": 1, 2'),
        ("containers.name=x", 'invalid path: "containers" is not a message'),
        ("labels.a=x", 'invalid path: "labels" is not a message'),
        ("ports=1&ports=2", 'parsing list "ports": unsupported message type: "storage.PortConfig"'),
    ],
)
def test_populate_refusal_names_field_and_kind(query: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        populate(deployment_pb2.Deployment(), query.encode())
    assert caught.value.message == words


def test_populate_second_member_of_a_oneof_is_refused() -> None:
    alert = alert_pb2.Alert()
    populate(alert, b"deployment.id=a&deployment.name=b")
    assert (alert.deployment.id, alert.deployment.name) == ("a", "b")
    with pytest.raises(Invalid, match='field already set for oneof "Entity"'):
        populate(alert, b"image.id=c")


def test_populate_duration_and_mask_have_their_query_forms() -> None:
    request = cve_service_pb2.SuppressCVERequest()
    populate(request, b"duration=1h30m")
    assert request.duration.seconds == 5400
    with pytest.raises(Invalid, match='parsing field "duration": "3d" is not a valid duration'):
        populate(request, b"duration=3d")
    with pytest.raises(Invalid, match="is not a valid duration"):
        populate(request, b"duration=" + b"9" * 400 + b"h")


@pytest.mark.parametrize(
    "query", ["query=%00%ff", "query=\xe9", "%ff=1", "[=1", "]=1", "a[b]c=1", "[x]=1", ".=1", "..query=1"]
)
def test_populate_of_odd_bytes_is_read_or_passed_over(query: str) -> None:
    request = alert_service_pb2.ListAlertsRequest()
    populate(request, query.encode("latin-1"))
    assert not request.HasField("pagination")
