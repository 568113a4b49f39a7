"""`POST /api/v1/images/sbom`: who may, what is read, and every refusal."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import cast

import pytest
from fastapi import FastAPI

from pyrox.errors import Invalid, NotFound, RoxError
from pyrox.rpc.call import Identity
from pyrox.rpc.scope import EVERYTHING
from services.central.images.bills import BillRequest, ImageBills
from services.central.routes.guard import Guard
from services.central.routes.sboms import PATH, Limits, safe_file_name, sboms_router
from tests.support.asgi import Answer, request
from tests.support.callers import May
from tests.support.routes import People, app_of, bearer

NAME = "quay.io/team/my_app:1"


@dataclass
class Bills:
    """Gives one answer, and keeps what was asked."""

    answer: bytes | RoxError = b'{"spdxVersion":"SPDX-2.3"}'
    hangs: bool = False
    asked: list[BillRequest] = field(default_factory=list)

    async def of(self, wanted: BillRequest) -> bytes:
        self.asked.append(wanted)
        if self.hangs:
            await asyncio.Event().wait()
        if isinstance(self.answer, RoxError):
            raise self.answer
        return self.answer


def app_with(bills: Bills | None, *, most: int = 1000, seconds: float = 60) -> FastAPI:
    people = People(
        writer=Identity(uid="w", grants=May(EVERYTHING, write=("Image",))),
        reader=Identity(uid="r", grants=May(EVERYTHING, read=("Image",))),
    )
    made = cast("ImageBills | None", bills)
    return app_of(sboms_router(made, Limits(most, seconds), Guard(authenticator=people)))


async def post(app: FastAPI, body: bytes | list[bytes], word: str = "writer") -> Answer:
    return await request(app, "POST", PATH, body=body, headers=bearer(word))


async def test_bill_is_a_download_as_the_scanner_wrote_it() -> None:
    bills = Bills()
    fields = {"cluster": "", "namespace": "n", "imageName": f" {NAME} ", "force": True, "digest": " d "}
    answer = await post(app_with(bills), json.dumps(fields).encode())
    assert (answer.status, answer.body) == (200, bills.answer)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == "26"
    assert answer.headers["content-disposition"] == "attachment; filename=quayio-team-my-app-1.json"
    assert bills.asked == [BillRequest(image_name=NAME, digest="d", cluster="", force=True)]


@pytest.mark.parametrize(("word", "status"), [("reader", 403), ("", 401), ("bad", 401)])
async def test_caller_without_the_right_is_refused_in_plain_text(word: str, status: int) -> None:
    bills = Bills()
    answer = await post(app_with(bills), b"{}", word)
    assert (answer.status, bills.asked) == (status, [])
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
async def test_other_methods_are_not_allowed(verb: str) -> None:
    answer = await request(app_with(None), verb, PATH, headers=bearer("writer"))
    assert (answer.status, answer.body) == (405, b"")


async def test_central_without_the_scanner_says_so() -> None:
    answer = await post(app_with(None), b"{}")
    words = "Scanner V4 is disabled. Enable Scanner V4 to generate SBOMs"
    assert (answer.status, answer.json) == (501, {"code": 12, "message": words})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "EOF"),
        (b'{"imageName":', "unexpected EOF"),
        (
            b'{"imageName": 1}',
            "json: cannot unmarshal number into Go struct field SBOMRequestBody.imageName of type string",
        ),
    ],
)
async def test_body_that_cannot_be_read_is_refused(body: bytes, words: str) -> None:
    bills = Bills()
    answer = await post(app_with(bills), body)
    assert (answer.status, bills.asked) == (400, [])
    assert answer.json == {"code": 3, "message": f"decoding json request body: {words}"}


async def test_no_more_than_the_limit_is_read() -> None:
    bills = Bills()
    body = json.dumps({"imageName": "a:1", "cluster": ""}).encode()
    whole = await post(app_with(bills, most=len(body)), [body[:7], body[7:], b"x" * 100])
    cut = await post(app_with(bills, most=len(body) - 1), body)
    assert (whole.status, len(bills.asked)) == (200, 1)
    assert cut.json == {"code": 3, "message": "decoding json request body: unexpected EOF"}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(NotFound("image enrichment error"), 404, 5), (Invalid.because("no name"), 400, 3)],
)
async def test_failure_carries_its_own_status(error: RoxError, status: int, code: int) -> None:
    answer = await post(app_with(Bills(error)), b"{}")
    assert answer.status == status
    assert answer.json == {"code": code, "message": f"generating SBOM: {error.message}"}


async def test_image_without_a_bill_is_an_error() -> None:
    answer = await post(app_with(Bills(b"")), b"{}")
    assert (answer.status, answer.json) == (500, {"code": 13, "message": "SBOM not found for the image"})


async def test_scan_that_takes_too_long_is_ended() -> None:
    answer = await post(app_with(Bills(hangs=True), seconds=0), b"{}")
    words = "generating SBOM: context deadline exceeded"
    assert (answer.status, answer.json) == (504, {"code": 4, "message": words})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (NAME, "quayio-team-my-app-1"),
        (" A & B ", "a-b"),
        (f"x@sha256:{'a' * 4}", "xsha256-aaaa"),
        ('evil"\r\nname: ü/../..', "evilname-"),
    ],
)
def test_file_names_are_safe(text: str, name: str) -> None:
    assert safe_file_name(text) == name
