"""Errors as gRPC statuses and HTTP answers."""

from __future__ import annotations

import json
from inspect import isclass

import pytest
from google.rpc import status_pb2

from pyrox import errors
from pyrox.errors import Invalid, NoCredentials, NotAuthorized, RoxError
from pyrox.pb.api.v1.common_pb2 import ResourceByID
from pyrox.rpc.errors import HTTP_STATUS, Status, plain_text, status_of

KINDS = [kind for kind in vars(errors).values() if isclass(kind) and issubclass(kind, RoxError)]


@pytest.mark.parametrize("kind", KINDS)
def test_status_of_each_kind_keeps_code_and_text(kind: type[RoxError]) -> None:
    assert status_of(kind("the text")) == Status(kind.CODE, "the text")
    assert status_of(kind()) == Status(kind.CODE, kind.SENTINEL)
    assert kind.CODE in HTTP_STATUS


HTTP = {3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 12: 501, 13: 500, 14: 503, 16: 401}


@pytest.mark.parametrize("code", HTTP)
def test_http_status_of_a_code_is_grpc_gateways(code: int) -> None:
    assert Status(code).http == HTTP[code]


def test_status_of_an_unknown_error_names_an_id_and_no_detail() -> None:
    status = status_of(ValueError("password=hunter2"), new_id=lambda: "abc123")
    assert status.code == 13
    assert "abc123" in status.message
    assert "hunter2" not in status.message
    assert status.message.startswith("internal error")


def test_status_of_two_unknown_errors_has_two_ids() -> None:
    assert status_of(KeyError()) != status_of(KeyError())


def test_body_has_upstreams_four_keys() -> None:
    status = status_of(NotAuthorized.of('"READ_ACCESS" for "Alert"'))
    text = 'not authorized: "READ_ACCESS" for "Alert"'
    assert json.loads(status.json) == {"code": 7, "message": text, "details": [], "error": text}
    assert list(json.loads(status.json)) == ["code", "message", "details", "error"]


def test_details_are_in_the_body_by_name_and_in_grpcs_trailer() -> None:
    status = status_of(Invalid("some are missing", details=[ResourceByID(id="x"), "no message"]))
    detail = {"@type": "type.googleapis.com/v1.ResourceByID", "id": "x"}
    assert status.body["details"] == [detail]
    ((name, value),) = status.trailers
    told = status_pb2.Status.FromString(value)
    assert (name, told.code, told.message) == ("grpc-status-details-bin", 3, "some are missing")
    unpacked = ResourceByID()
    assert told.details[0].Unpack(unpacked)
    assert unpacked.id == "x"


def test_error_without_details_has_no_trailer() -> None:
    assert status_of(Invalid("plain")).trailers == ()


def test_headers_name_what_is_missing_only_without_credentials() -> None:
    assert status_of(NoCredentials()).headers == {"www-authenticate": "credentials not found"}
    assert status_of(Invalid()).headers == {}


def test_header_with_line_breaks_or_foreign_letters_stays_one_latin_line() -> None:
    header = status_of(NoCredentials("a\r\nSet-Cookie: x\tñ 漢")).headers["www-authenticate"]
    assert header == "a Set-Cookie: x ñ ?"


def test_plain_text_is_the_message_and_a_newline() -> None:
    status, body, headers = plain_text(status_of(NoCredentials()))
    assert (status, body) == (401, b"credentials not found\n")
    assert headers["content-type"] == "text/plain; charset=utf-8"
