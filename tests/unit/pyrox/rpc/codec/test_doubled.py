"""Objects that repeat a key: every pair in order, and the fast parser's value without them."""

from __future__ import annotations

import pytest
from google.protobuf.struct_pb2 import Struct

from pyrox.errors import Invalid
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.rpc.codec.decode import Decoder
from pyrox.rpc.codec.doubled import Again, Doubled, pairs_of, parsed


def test_body_without_repeats_keeps_what_the_fast_parser_made() -> None:
    plain = {"a": [1.5, {"b": "c"}]}
    assert parsed(b'{"a": [1.5, {"b": "c"}]}', plain) is plain


def test_repeats_are_found_at_every_depth() -> None:
    value = parsed(b'{"a": [{"b": 1, "c": 2, "b": 3}]}', {})
    inner = value["a"][0]
    assert isinstance(inner, Doubled)
    assert inner == {"b": 3, "c": 2}
    assert list(pairs_of(inner)) == [("b", 1), ("c", 2), ("b", 3)]
    assert [isinstance(key, Again) for key, _ in pairs_of(inner)] == [False, False, True]


def test_third_of_equal_text_knows_how_many_come_first() -> None:
    keys = [key for key, _ in pairs_of(parsed(b'{"a": 1, "a": 2, "a": 3}', {}))]
    assert [key.before if isinstance(key, Again) else None for key in keys] == [None, 1, 2]


def test_value_deeper_than_the_stack_is_left_to_the_message() -> None:
    plain: list[object] = []
    assert parsed(b"[" * 100_000 + b"]" * 100_000, plain) is plain


@pytest.mark.parametrize(
    ("message", "body", "text"),
    [
        (Deployment(), b'{"labels":{"a":"1","b":"2","a":"3"}}', '(line 1:28): duplicate map key "a"'),
        (Struct(), b'{"a":{"b":1,"b":2}}', '(line 1:13): duplicate map key "b"'),
    ],
)
def test_map_that_repeats_a_key_is_refused(message: Deployment | Struct, body: bytes, text: str) -> None:
    with pytest.raises(Invalid) as caught:
        Decoder().decode(body, message)
    assert caught.value.message.removeprefix("proto:\u00a0") == text
