"""`roxctl image sbom`: what is asked for, how often, and what is shown."""

from __future__ import annotations

import json

import httpx
import pytest

from roxctl.rest import HttpAnswer
from tests.support.cli_wire import Wire

BILL = b'{\n  "spdxVersion": "SPDX-2.3",\n  "name": "\xc3\xa9"\n}\n'


def answer(body: bytes = BILL, status: int = 200, kind: str = "application/json") -> tuple[int, HttpAnswer]:
    return status, HttpAnswer(headers={"content-type": kind}, body=body)


def test_request_has_all_flags_and_the_answer_is_written_as_it_is(wire: Wire) -> None:
    wire.http_answers = [answer()]
    done = wire.run(
        "image", "sbom", "--image", "nginx:1", "-f", "--cluster", "c", "--namespace", "n", "-t", "90s"
    )
    assert (done.code, done.out, done.err) == (0, BILL.decode(), "")
    ((verb, path, body, _),) = wire.http
    assert (verb, path) == ("POST", "/api/v1/images/sbom")
    assert json.loads(body) == {
        "cluster": "c", "namespace": "n", "imageName": "nginx:1", "force": True, "digest": ""
    }  # fmt: skip
    assert wire.http_headers[0]["rh-roxctl-command"] == "image sbom"


def test_request_without_flags_forces_nothing(wire: Wire) -> None:
    wire.http_answers = [answer()]
    assert wire.run("image", "sbom", "-i", "nginx:1").code == 0
    assert json.loads(wire.http[0][2])["force"] is False


def test_refusal_is_shown_with_its_body_and_not_repeated(wire: Wire) -> None:
    wire.http_answers = [answer(b'{"code":12,"message":"Scanner V4 is disabled"}', 501)]
    done = wire.run("image", "sbom", "-i", "nginx:1")
    assert (done.code, done.out, done.waits) == (1, "", [])
    assert done.err == (
        "ERROR:\tgenerating SBOM: expected status code 200, but received 501. "
        'Response Body: {"code":12,"message":"Scanner V4 is disabled"}\n'
    )


@pytest.mark.parametrize(
    ("flags", "waits"),
    [([], [3, 3, 3]), (["-r", "1", "-d", "7"], [7]), (["--retries", "0"], []), (["-r", "-1"], []),
     (["--retry-delay", "-5", "-r", "2"], [0, 0])],
)  # fmt: skip
def test_tries_are_as_many_and_as_far_apart_as_the_flags_say(
    wire: Wire, flags: list[str], waits: list[int]
) -> None:
    wire.http_answers = [answer(b"busy", 503)] * 9
    done = wire.run("image", "sbom", "-i", "nginx:1", *flags, ROX_CLIENT_MAX_RETRIES="8")
    assert (done.code, done.waits, len(wire.http)) == (1, waits, len(waits) + 1)
    assert done.err.endswith("but received 503. Response Body: busy\n")


def test_connection_that_fails_is_tried_again(wire: Wire) -> None:
    wire.http_answers = [httpx.ConnectError("refused"), answer()]
    done = wire.run("image", "sbom", "-i", "nginx:1")
    assert (done.code, done.out, done.waits) == (0, BILL.decode(), [3])


def test_page_of_the_portal_means_that_central_is_too_old(wire: Wire) -> None:
    wire.http_answers = [answer(b"<html>", kind="text/html; charset=utf-8")]
    done = wire.run("image", "sbom", "-i", "nginx:1")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        'ERROR:\tunexpected Content-Type "text/html; charset=utf-8" from Central, '
        "confirm Central version supports SBOM generation\n"
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], 'required flag(s) "image" not set'),
        (["-i", "NGINX"], "invalid command option: image: invalid reference format"),
        (["-i", "nginx:1", "-r", "x"], 'invalid argument "x" for "-r, --retries" flag'),
    ],
)
def test_flags_that_cannot_be_are_refused_before_central_is_asked(
    wire: Wire, flags: list[str], words: str
) -> None:
    done = wire.run("image", "sbom", *flags)
    assert (done.code, wire.http) == (1, [])
    assert words in done.err
