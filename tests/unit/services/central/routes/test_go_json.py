"""JSON objects as Go reads them: what is taken, and the words of each refusal."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from services.central.routes import go_json

FIELDS: dict[str, type[str | bool]] = {"imageName": str, "force": bool}


def decode(text: str) -> dict[str, str | bool]:
    return dict(go_json.decode(text.encode(), "apiparams.Request", FIELDS))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("null", {}),
        (" \r\n\t{}", {}),
        ('{"imageName": "a", "force": true}', {"imageName": "a", "force": True}),
        ('{"IMAGENAME": "a", "Force": false}', {"imageName": "a", "force": False}),
        ('{"imageName": "a", "imagename": "b"}', {"imageName": "b"}),
        ('{"imageName": null, "other": [{"a": 1e400}, 9' + "9" * 5000 + "]}", {}),
        ('{"imageName": "a"} and more', {"imageName": "a"}),
        ('{"imageName": "\\u00e9"}', {"imageName": "é"}),
    ],
)
def test_fields_are_taken_as_go_takes_them(text: str, found: dict[str, str | bool]) -> None:
    assert decode(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "EOF"),
        (" \n", "EOF"),
        ("{", "unexpected EOF"),
        ('{"imageName": "a', "unexpected EOF"),
        ('{"imageName": "a"', "unexpected EOF"),
        ('{"force": tr', "unexpected EOF"),
        ("image", "invalid character 'i' looking for beginning of value"),
        ("'", "invalid character '\\'' looking for beginning of value"),
        ("{a", "invalid character 'a' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a": "b" "c"}', "invalid character '\"' after object key:value pair"),
        ('{"a": NaN}', "invalid character 'N' looking for beginning of value"),
        ('{"a": "\x01"}', "invalid character '\\u0001' in string literal"),
    ],
)
def test_text_that_is_no_json_is_refused(text: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode(text)
    assert caught.value.message == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "array into Go value of type apiparams.Request"),
        ('"a"', "string into Go value of type apiparams.Request"),
        ('{"imageName": 1}', "number into Go struct field Request.imageName of type string"),
        ('{"force": "true"}', "string into Go struct field Request.force of type bool"),
        ('{"imageName": true, "force": {}}', "bool into Go struct field Request.imageName of type string"),
        ('{"force": {}}', "object into Go struct field Request.force of type bool"),
    ],
)
def test_value_of_another_type_is_refused(text: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode(text)
    assert caught.value.message == f"json: cannot unmarshal {words}"


def test_deep_nesting_and_broken_text_are_refused_or_passed_over() -> None:
    with pytest.raises(Invalid, match="exceeded max depth"):
        decode("[" * 100_000)
    assert go_json.decode(b'{"imageName": "\xff"}', "x.Y", FIELDS) == {"imageName": "\ufffd"}
