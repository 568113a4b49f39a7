"""Decoding: what upstream accepts, what it ignores, and the words with which it refuses."""

from __future__ import annotations

import contextlib

import orjson
import pytest
from google.protobuf import any_pb2, duration_pb2, field_mask_pb2, json_format, struct_pb2, wrappers_pb2
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrox.errors import Invalid
from pyrox.pb.api.v1 import cve_service_pb2
from pyrox.pb.storage import alert_pb2, cluster_pb2, deployment_pb2, image_pb2, policy_pb2
from pyrox.rpc.codec import Decoder, Encoder
from tests.support.random_message import fill

TYPES = [alert_pb2.Alert, deployment_pb2.Deployment, image_pb2.Image, policy_pb2.Policy, cluster_pb2.Cluster]


def policy(body: bytes) -> policy_pb2.Policy:
    message = policy_pb2.Policy()
    Decoder().decode(body, message)
    return message


def refusal(body: bytes, kind: type[Message] = policy_pb2.Policy) -> str:
    with pytest.raises(Invalid) as caught:
        Decoder().decode(body, kind())
    return caught.value.message


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.DESCRIPTOR.name)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_decode_of_own_encoding_gives_the_message(kind: type[Message], seed: int) -> None:
    message = fill(kind(), seed)
    again = kind()
    Decoder().decode(Encoder().encode(message), again)
    assert again == message


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.DESCRIPTOR.name)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_decode_reads_proto_names_as_json_format_does(kind: type[Message], seed: int) -> None:
    text = json_format.MessageToJson(fill(kind(), seed), preserving_proto_field_name=True)
    message = kind()
    Decoder().decode(text.encode(), message)
    assert message == json_format.Parse(text, kind())


ACCEPTED = {
    "empty body": (b"", ""),
    "white space": (b" \n\t ", ""),
    "trailing data": (b'{"name":"a"} {"name":"b"}', "a"),
    "trailing garbage": (b'{"name":"a"}xyz', "a"),
    "unknown field": (b'{"name":"a","nosuch":{"deep":[1]}}', "a"),
    "extension name": (b'{"name":"a","[x.y]":1}', "a"),
    "unknown enum name": (b'{"name":"a","severity":"NOPE"}', "a"),
    "null": (b'{"name":"a","severity":null,"scope":null}', "a"),
    "enum number": (b'{"name":"a","severity":3}', "a"),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_decode_accepts(case: str) -> None:
    body, name = ACCEPTED[case]
    assert policy(body).name == name


def test_decode_unknown_enum_name_in_list_is_dropped() -> None:
    assert list(policy(b'{"lifecycleStages":["BUILD","NOPE","RUNTIME"]}').lifecycle_stages) == [1, 2]


P = "proto:\u00a0"
REFUSED = {
    "wrong type": (b'{"name":5}', f"{P}(line 1:9): invalid value for string field name: 5"),
    "array": (b"[]", f"{P}syntax error (line 1:1): unexpected token ["),
    "null at top": (b"null", f"{P}syntax error (line 1:1): unexpected token null"),
    "bad key": (b"{bad", "invalid character 'b' looking for beginning of object key string"),
    "object for text": (b'{"name":{}}', f"{P}(line 1:9): invalid value for string field name: {{"),
    "text for list": (b'{"categories":"x"}', f'{P}syntax error (line 1:15): unexpected token "x"'),
    "null in list": (
        b'{"categories":["a",null]}',
        f"{P}(line 1:20): invalid value for string field categories: null",
    ),
    "nested": (
        b'{"scope":[{},{"label":{"key":7}}]}',
        f"{P}(line 1:30): invalid value for string field key: 7",
    ),
    "second line": (
        b'{"id":"x",\n  "disabled":"yes"}',
        f'{P}(line 2:14): invalid value for bool field disabled: "yes"',
    ),
    "columns are characters": (
        '{"é☃":1,"name":5}'.encode(),
        f"{P}(line 1:16): invalid value for string field name: 5",
    ),
    "duplicate": (
        b'{"last_updated":null,"lastUpdated":null}',
        f'{P}(line 1:22): duplicate field "lastUpdated"',
    ),
    "duplicate verbatim": (b'{"name":"a","id":"x","name":"a"}', f'{P}(line 1:22): duplicate field "name"'),
    "third verbatim with escapes": (
        b'{"unknown":1,"unknown":2,\n"n\\u0061me":null,"name":"a"}',
        f'{P}(line 2:18): duplicate field "name"',
    ),
    "duplicate inside": (
        b'{"scope":[{},{"label":{"key":"a","key":"b"}}]}',
        f'{P}(line 1:34): duplicate field "key"',
    ),
    "value after a duplicate of an unknown name": (
        b'{"x":{"y":1,"y":2},"x":3,"name":5}',
        f"{P}(line 1:33): invalid value for string field name: 5",
    ),
    "enum fraction": (b'{"severity":1.5}', f"{P}(line 1:13): invalid value for enum field severity: 1.5"),
    "timestamp": (
        b'{"lastUpdated":"noon"}',
        f'{P}(line 1:16): invalid google.protobuf.Timestamp value "noon"',
    ),
    "timestamp number": (b'{"lastUpdated":1}', f"{P}syntax error (line 1:16): unexpected token 1"),
    "timestamp range": (
        b'{"lastUpdated":"0000-01-01T00:00:00Z"}',
        f'{P}(line 1:16): google.protobuf.Timestamp value out of range: "0000-01-01T00:00:00Z"',
    ),
    "bad utf-8": (b'{"name":"\xff"}', f"{P}syntax error (line 1:10): invalid UTF-8 in string"),
    "deep": (b'{"x":' + b"[" * 2000 + b"]" * 2000 + b"}", f"{P}exceeded max recursion depth"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_decode_refuses_with_upstreams_words(case: str) -> None:
    body, text = REFUSED[case]
    assert refusal(body) == text


def test_decode_second_member_of_oneof_is_refused() -> None:
    text = refusal(b'{"deployment":{},"image":{}}', alert_pb2.Alert)
    assert text == f'{P}(line 1:18): error parsing "image", oneof storage.Alert.Entity is already set'


def test_decode_bad_map_key_is_refused() -> None:
    kind = struct_pb2.Struct
    message = kind()
    Decoder().decode(b'{"a":{"b":[1,true,null]}}', message)
    assert json_format.MessageToDict(message) == {"a": {"b": [1.0, True, None]}}


@pytest.mark.parametrize(
    ("body", "seconds"),
    [(b'{"duration":"3600s"}', 3600), (b'{"duration":"24h"}', 86400), (b'{"duration":"1h30m"}', 5400)],
)
def test_decode_suppress_duration_takes_both_forms(body: bytes, seconds: int) -> None:
    message = cve_service_pb2.SuppressCVERequest()
    Decoder().decode(body, message)
    assert message.duration.seconds == seconds


def test_decode_suppress_duration_refuses_nonsense() -> None:
    text = refusal(b'{"duration":"soon"}', cve_service_pb2.SuppressCVERequest)
    assert text == f'{P}(line 1:13): invalid google.protobuf.Duration value "soon"'


NUMBERS = {
    "text": (b'"5"', 5),
    "exponent": (b"1e3", 1000),
    "point zero": (b"7.0", 7),
    "exponent text": (b'"5e1"', 50),
    "largest": (b"9223372036854775807", 2**63 - 1),
    "smallest text": (b'"-9223372036854775808"', -(2**63)),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_decode_int64_reads(case: str) -> None:
    body, value = NUMBERS[case]
    message = wrappers_pb2.Int64Value()
    Decoder().decode(body, message)
    assert message.value == value


@pytest.mark.parametrize(
    "body", [b"9223372036854775808", b'" 5"', b"1.5", b'"1_0"', b"true", b'"1e999999999"', b'""']
)
def test_decode_int64_refuses(body: bytes) -> None:
    assert (
        refusal(body, wrappers_pb2.Int64Value)
        == f"{P}(line 1:1): invalid value for int64 field value: {body.decode()}"
    )


@pytest.mark.parametrize("text", ["_-8=", "_-8", "/+8=", "/+8"])
def test_decode_bytes_takes_both_alphabets_with_or_without_padding(text: str) -> None:
    message = wrappers_pb2.BytesValue()
    Decoder().decode(orjson.dumps(text), message)
    assert message.value == b"\xff\xef"


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b'"-1.5s"', duration_pb2.Duration, duration_pb2.Duration(seconds=-1, nanos=-500_000_000)),
        (b'"fooBar,b.cD"', field_mask_pb2.FieldMask, field_mask_pb2.FieldMask(paths=["foo_bar", "b.c_d"])),
        (b'"Infinity"', wrappers_pb2.DoubleValue, wrappers_pb2.DoubleValue(value=float("inf"))),
    ],
    ids=["duration", "mask", "infinity"],
)
def test_decode_well_known_type_from_its_own_form(
    body: bytes, kind: type[Message], expected: Message
) -> None:
    message = kind()
    Decoder().decode(body, message)
    assert message == expected


def test_decode_any_packs_the_named_type() -> None:
    message = any_pb2.Any()
    Decoder().decode(b'{"@type":"type.googleapis.com/storage.Policy","name":"n"}', message)
    inner = policy_pb2.Policy()
    assert message.Unpack(inner)
    assert inner.name == "n"


def test_decode_any_of_unknown_type_is_refused() -> None:
    assert (
        refusal(b'{"@type":"x/no.Such"}', any_pb2.Any)
        == f'{P}(line 1:1): unable to resolve "x/no.Such": not found'
    )


def test_decode_struct_deeper_than_protobuf_reads_is_refused() -> None:
    body = b'{"a":' * 150 + b"1" + b"}" * 150
    assert "exceeded max recursion depth" in refusal(body, struct_pb2.Struct)


@given(body=st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_decode_of_any_bytes_answers_or_refuses(body: bytes) -> None:
    found = policy_pb2.Policy()
    with contextlib.suppress(Invalid):
        Decoder().decode(body, found)
    # What was read is a whole message, also where the rest was refused.
    assert policy_pb2.Policy.FromString(found.SerializeToString()) == found
