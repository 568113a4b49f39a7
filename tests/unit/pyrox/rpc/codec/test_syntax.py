"""Go's words for malformed JSON, and the place of a value."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrox.errors import Invalid
from pyrox.rpc.codec.syntax import first_value, locate

MALFORMED = {
    "open object": (b"{", "unexpected EOF"),
    "open text": (b'{"a":"x', "unexpected EOF"),
    "half literal": (b"nul", "unexpected EOF"),
    "wrong literal": (b"nulx", "invalid character 'x' in literal null (expecting 'l')"),
    "minus": (b"-x", "invalid character 'x' in numeric literal"),
    "point": (b"1.x", "invalid character 'x' after decimal point in numeric literal"),
    "exponent": (b"1e+x", "invalid character 'x' in exponent of numeric literal"),
    "control": (b'"\x01"', r"invalid character '\x01' in string literal"),
    "newline": (b'"\n"', r"invalid character '\n' in string literal"),
    "escape": (b'"\\q"', "invalid character 'q' in string escape code"),
    "hex": (b'"\\u12g4"', r"invalid character 'g' in \u hexadecimal character escape"),
    "no colon": (b'{"a" 1}', "invalid character '1' after object key"),
    "no comma": (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
    "no comma in array": (b"[1 2]", "invalid character '2' after array element"),
    "key": (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
    "value": (b"[1,]", "invalid character ']' looking for beginning of value"),
    "quote": (b"'", r"invalid character '\'' looking for beginning of value"),
    "leading zero": (b"[01]", "invalid character '1' after array element"),
    "byte": (b"\xc3", "invalid character 'Ã' looking for beginning of value"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_first_value_malformed_says_what_go_says(case: str) -> None:
    body, text = MALFORMED[case]
    with pytest.raises(Invalid) as caught:
        first_value(body)
    assert caught.value.message == text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(value=VALUES, after=st.sampled_from([b"", b" ", b" {}", b"]", b'"']))
@settings(max_examples=200, deadline=None)
def test_first_value_ends_where_the_value_ends(value: object, after: bytes) -> None:
    body = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    separator = b" " if isinstance(value, int) else b""
    assert first_value(b" " + body + separator + after) == body


def test_first_value_of_deep_nesting_needs_no_recursion() -> None:
    body = b"[" * 100_000 + b"]" * 100_000
    assert first_value(body) == body


@given(value=st.dictionaries(st.text(max_size=4), VALUES, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_locate_finds_every_value(value: dict[str, object]) -> None:
    body = orjson.dumps(value)
    for key in value:
        _, column, raw = locate(body, [key], at_key=False)
        text = body.decode()
        assert text[column - 1 :].startswith(raw)
        assert text[: column - 1].endswith(":")
