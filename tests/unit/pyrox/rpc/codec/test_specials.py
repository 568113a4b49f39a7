"""JSON forms of structs, masks, wrappers and `Any`, and the places that their refusals name."""

from __future__ import annotations

import orjson
import pytest
from google.protobuf import any_pb2, duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.message import Message

from pyrox.errors import Invalid
from pyrox.pb.api.v1 import audit_pb2, network_graph_service_pb2
from pyrox.pb.storage import policy_pb2, role_pb2
from pyrox.rpc.codec import Decoder, Encoder

P = "proto:\u00a0"


def decoded(body: bytes, kind: type[Message]) -> Message:
    message = kind()
    Decoder().decode(body, message)
    return message


def refusal(body: bytes, kind: type[Message]) -> str:
    with pytest.raises(Invalid) as caught:
        Decoder().decode(body, kind())
    return caught.value.message


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a":[1.5,"x",true,null,{"b":[]}],"c":{}}', struct_pb2.Struct),
        (b"[]", struct_pb2.ListValue),
        (b'[null,[1],{"a":2}]', struct_pb2.ListValue),
        (b'"text"', struct_pb2.Value),
        (b"null", struct_pb2.Value),
        (b'"a,bC"', field_mask_pb2.FieldMask),
        (b'""', field_mask_pb2.FieldMask),
        (b'"5"', wrappers_pb2.UInt64Value),
        (b"true", wrappers_pb2.BoolValue),
        (b'"-1.500s"', duration_pb2.Duration),
        (b'"2024-01-01T00:00:00.500Z"', timestamp_pb2.Timestamp),
        (b'{"@type":"x/google.protobuf.Duration","value":"3s"}', any_pb2.Any),
        (b'{"@type":"x/google.protobuf.Struct","value":{"a":1}}', any_pb2.Any),
        (b"{}", any_pb2.Any),
    ],
)
def test_special_form_is_read_and_written_back(body: bytes, kind: type[Message]) -> None:
    assert orjson.loads(Encoder().encode(decoded(body, kind))) == orjson.loads(body)


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"[1]", struct_pb2.Struct, "syntax error (line 1:1): unexpected token ["),
        (b"{}", struct_pb2.ListValue, "syntax error (line 1:1): unexpected token {"),
        (b"5", field_mask_pb2.FieldMask, "syntax error (line 1:1): unexpected token 5"),
        (
            b'"a_b"',
            field_mask_pb2.FieldMask,
            '(line 1:1): google.protobuf.FieldMask contains invalid path: "a_b"',
        ),
        (b'"x"', any_pb2.Any, 'syntax error (line 1:1): unexpected token "x"'),
        (b'{"a":1}', any_pb2.Any, '(line 1:1): missing "@type" field'),
        (b'{"@type":5}', any_pb2.Any, '(line 1:1): unable to resolve "5": not found'),
        (
            b'{"@type":"x/google.protobuf.Duration"}',
            any_pb2.Any,
            "syntax error (line 1:1): unexpected token {",
        ),
        (
            b'{"@type":"x/storage.Policy","name":5}',
            any_pb2.Any,
            "(line 1:36): invalid value for string field name: 5",
        ),
        (b'"1s1"', duration_pb2.Duration, '(line 1:1): invalid google.protobuf.Duration value "1s1"'),
        (
            b'"315576000001s"',
            duration_pb2.Duration,
            '(line 1:1): google.protobuf.Duration value out of range: "315576000001s"',
        ),
    ],
)
def test_refusal_of_a_special_form_has_upstreams_words(body: bytes, kind: type[Message], text: str) -> None:
    assert refusal(body, kind) == P + text


@pytest.mark.parametrize("opening", [b'{"a":', b"["])
def test_value_nested_beyond_the_limit_is_refused_wherever_it_stands(opening: bytes) -> None:
    closing = {b'{"a":': b"}", b"[": b"]"}[opening]
    body = opening * 200 + b"1" + closing * 200
    assert "exceeded max recursion depth" in refusal(body, struct_pb2.Value)


def test_any_inside_any_inside_a_field_keeps_its_types() -> None:
    body = b'{"@type":"a/google.protobuf.Any","value":{"@type":"b/storage.Policy","name":"n"}}'
    outer = decoded(body, any_pb2.Any)
    assert isinstance(outer, any_pb2.Any)
    inner = any_pb2.Any.FromString(outer.value)
    assert policy_pb2.Policy.FromString(inner.value).name == "n"
    rendered = orjson.loads(Encoder().encode(outer))
    assert (rendered["value"]["@type"], rendered["value"]["name"]) == ("b/storage.Policy", "n")


def test_any_whose_bytes_are_no_such_message_is_shown_as_bytes() -> None:
    broken = any_pb2.Any(type_url="x/storage.Policy", value=b"\xff\xff")
    assert orjson.loads(Encoder().encode(broken)) == {"@type": "x/storage.Policy", "value": "//8="}


def test_any_in_a_field_of_a_message_is_read_and_written() -> None:
    body = b'{"request":{"payload":{"@type":"x/storage.PermissionSet","name":"n"}}}'
    message = decoded(body, audit_pb2.Audit.Message)
    rendered = orjson.loads(Encoder().encode(message))
    assert rendered["request"]["payload"]["name"] == "n"
    assert rendered["request"]["payload"]["@type"] == "x/storage.PermissionSet"


def test_map_of_enums_is_read_by_name_and_number_and_drops_unknown_names() -> None:
    body = b'{"resourceToAccess":{"A":"READ_ACCESS","B":2,"C":"NO_SUCH_ACCESS"}}'
    message = decoded(body, role_pb2.PermissionSet)
    assert isinstance(message, role_pb2.PermissionSet)
    assert dict(message.resource_to_access) == {"A": 1, "B": 2}


def test_map_with_number_keys_is_read_and_written_with_texts() -> None:
    message = decoded(b'{"outEdges":{"7":{},"-1":{}}}', network_graph_service_pb2.NetworkNode)
    assert isinstance(message, network_graph_service_pb2.NetworkNode)
    assert sorted(message.out_edges) == [-1, 7]
    assert set(orjson.loads(Encoder().encode(message))["outEdges"]) == {"-1", "7"}


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (
            b'{"outEdges":{"x":{}}}',
            network_graph_service_pb2.NetworkNode,
            '(line 1:14): invalid value for int32 key: "x"',
        ),
        (
            b'{"outEdges":[]}',
            network_graph_service_pb2.NetworkNode,
            "syntax error (line 1:13): unexpected token [",
        ),
        (
            b'{"outEdges":{"7":5}}',
            network_graph_service_pb2.NetworkNode,
            "syntax error (line 1:18): unexpected token 5",
        ),
        (
            b'{"resourceToAccess":{"A":[]}}',
            role_pb2.PermissionSet,
            "(line 1:26): invalid value for enum field value: [",
        ),
    ],
)
def test_refusal_inside_a_map_names_its_place(body: bytes, kind: type[Message], text: str) -> None:
    assert refusal(body, kind) == P + text
