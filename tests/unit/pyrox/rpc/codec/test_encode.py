"""Encoding against the oracle `google.protobuf.json_format` with nulls dropped, and the nulls themselves."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from google.protobuf import any_pb2, json_format, struct_pb2, wrappers_pb2
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrox.pb.api.v1 import auth_service_pb2, empty_pb2
from pyrox.pb.storage import alert_pb2, cluster_pb2, cve_pb2, deployment_pb2, image_pb2, policy_pb2, role_pb2
from pyrox.rpc.codec import Encoder
from tests.support.random_message import fill

TYPES = [
    alert_pb2.Alert,
    deployment_pb2.Deployment,
    image_pb2.Image,
    policy_pb2.Policy,
    cluster_pb2.Cluster,
    cve_pb2.ImageCVEV2,
    auth_service_pb2.AuthStatus,
]


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def oracle(message: Message) -> Any:
    return without_nulls(json_format.MessageToDict(message, always_print_fields_with_no_presence=True))


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.DESCRIPTOR.name)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_encode_random_message_equals_json_format(kind: type[Message], seed: int) -> None:
    message = fill(kind(), seed)
    assert without_nulls(orjson.loads(Encoder().encode(message))) == oracle(message)


@pytest.mark.parametrize("limit", [1, 100, 2000])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_pieces_joined_equal_the_whole(limit: int, seed: int) -> None:
    message = fill(alert_pb2.Alert(), seed)
    encoder = Encoder()
    assert b"".join(encoder.pieces(message, limit)) == encoder.encode(message)


def test_pieces_of_long_list_stay_near_the_limit() -> None:
    image = image_pb2.Image()
    for number in range(2000):
        image.scan.components.add(name=f"package-{number}", version="1.0")
    pieces = list(Encoder().pieces(image, 4096))
    # JSON with all its names is longer than the wire form, by the same factor for each component.
    assert len(pieces) > 10
    assert max(map(len, pieces)) < 4096 * 30
    assert orjson.loads(b"".join(pieces))["scan"]["components"][1999]["name"] == "package-1999"


@pytest.mark.parametrize(
    ("message", "field", "expected"),
    [
        pytest.param(empty_pb2.Empty(), None, {}, id="empty message"),
        pytest.param(alert_pb2.Alert(), "policy", None, id="unset message is null"),
        pytest.param(alert_pb2.Alert(), "time", None, id="unset timestamp is null"),
        pytest.param(alert_pb2.Alert(), "violations", [], id="unset list"),
        pytest.param(deployment_pb2.Deployment(), "labels", {}, id="unset map"),
        pytest.param(deployment_pb2.Deployment(), "replicas", "0", id="64 bit zero is a text"),
        pytest.param(deployment_pb2.Deployment(), "riskScore", 0, id="float zero"),
        pytest.param(alert_pb2.Alert(), "state", "ACTIVE", id="enum zero is its name"),
        pytest.param(deployment_pb2.Deployment(risk_score=9.8), "riskScore", 9.8, id="float32 shortest"),
        pytest.param(alert_pb2.Alert(state=77), "state", 77, id="unknown enum number"),  # type: ignore[arg-type]
    ],
)
def test_encode_field_has_upstreams_form(message: Message, field: str | None, expected: object) -> None:
    rendered = orjson.loads(Encoder().encode(message))
    assert (rendered if field is None else rendered[field]) == expected


def test_encode_unset_oneof_member_is_left_out() -> None:
    rendered = orjson.loads(Encoder().encode(alert_pb2.Alert()))
    assert not {"deployment", "image", "resource", "node"} & rendered.keys()
    rendered = orjson.loads(Encoder().encode(alert_pb2.Alert(deployment=alert_pb2.Alert.Deployment(id="d"))))
    assert rendered["deployment"]["id"] == "d"


def test_encode_fields_come_in_order_of_declaration() -> None:
    names = list(orjson.loads(Encoder().encode(role_pb2.PermissionSet(name="n"))))
    assert names == [field.json_name for field in role_pb2.PermissionSet.DESCRIPTOR.fields]


def test_encode_pretty_indents_by_two_spaces() -> None:
    text = Encoder().encode(role_pb2.PermissionSet(name="n"), pretty=True).decode()
    assert text.startswith('{\n  "id": "",\n  "name": "n",')


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (wrappers_pb2.Int64Value(value=5), "5"),
        (wrappers_pb2.FloatValue(value=float("nan")), "NaN"),
        (wrappers_pb2.DoubleValue(value=float("-inf")), "-Infinity"),
        (wrappers_pb2.BytesValue(value=b"\xff"), "/w=="),
        (
            json_format.ParseDict({"a": [1, None, {"b": "c"}]}, struct_pb2.Struct()),
            {"a": [1, None, {"b": "c"}]},
        ),
        (any_pb2.Any(), {}),
    ],
    ids=["int64", "nan", "infinity", "bytes", "struct", "empty any"],
)
def test_encode_well_known_type_has_its_own_form(message: Message, expected: object) -> None:
    assert orjson.loads(Encoder().encode(message)) == expected


def test_encode_any_shows_type_beside_fields() -> None:
    packed = any_pb2.Any()
    packed.Pack(role_pb2.PermissionSet(name="n"))
    rendered = orjson.loads(Encoder().encode(packed))
    assert rendered["@type"] == "type.googleapis.com/storage.PermissionSet"
    assert rendered["name"] == "n"


def test_encode_any_of_unknown_type_keeps_bytes() -> None:
    rendered = orjson.loads(Encoder().encode(any_pb2.Any(type_url="x/no.Such", value=b"\x01")))
    assert rendered == {"@type": "x/no.Such", "value": "AQ=="}


def test_encode_timestamp_out_of_range_is_null_and_spares_the_rest() -> None:
    alert = alert_pb2.Alert(id="a")
    alert.time.seconds = 2**60
    rendered = orjson.loads(Encoder().encode(alert))
    assert (rendered["time"], rendered["id"]) == (None, "a")
