"""`POST /api/v1/sboms/scan`: who may, which types and sizes, and every refusal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest
from fastapi import FastAPI

from pyrox.errors import Invalid, RoxError, Unavailable
from pyrox.pb.api.v1.sbom_pb2 import SBOMScanResponse
from pyrox.rpc.call import Identity
from pyrox.rpc.scope import EVERYTHING
from services.central.images.bills import ImageBills
from services.central.routes.guard import Guard
from services.central.routes.sbom_scans import PATH, sbom_scans_router
from services.central.routes.sboms import Limits
from tests.support.asgi import Answer, request
from tests.support.callers import May
from tests.support.routes import People, app_of, bearer

SPDX = "text/spdx+json"


def answer_with(name: str) -> SBOMScanResponse:
    made = SBOMScanResponse(id="some-id")
    made.scan.components.add(name=name, version="1")
    return made


@dataclass
class Bills:
    """Gives one answer, and keeps what was asked."""

    answer: SBOMScanResponse | RoxError = field(default_factory=lambda: answer_with("openssl"))
    hangs: bool = False
    asked: list[tuple[bytes, str]] = field(default_factory=list)

    async def scan(self, raw: bytes, media_type: str) -> SBOMScanResponse:
        self.asked.append((raw, media_type))
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
    return app_of(sbom_scans_router(made, Limits(most, seconds), Guard(authenticator=people)))


async def post(app: FastAPI, body: bytes | list[bytes], kind: str = SPDX, word: str = "writer") -> Answer:
    headers = {**dict(bearer(word)), "content-type": kind}
    return await request(app, "POST", PATH, body=body, headers=headers)


@pytest.mark.parametrize(
    "kind", [SPDX, "application/spdx+json", "application/vnd.cyclonedx+json", f" {SPDX} ; charset=utf-8"]
)
async def test_answer_has_the_set_fields_alone(kind: str) -> None:
    bills = Bills()
    answer = await post(app_with(bills), [b'{"a"', b": 1}"], kind)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json == {"id": "some-id", "scan": {"components": [{"name": "openssl", "version": "1"}]}}
    assert bills.asked == [(b'{"a": 1}', kind)]


@pytest.mark.parametrize("kind", ["", "application/json", "text/html; x=text/spdx+json"])
async def test_other_types_are_refused_by_name(kind: str) -> None:
    bills = Bills()
    answer = await post(app_with(bills), b"{}", kind)
    words = (
        f'validating media type: unsupported media type "{kind.partition(";")[0]}", supported types '
        "[text/spdx+json application/spdx+json application/vnd.cyclonedx+json]"
    )
    assert (answer.status, answer.json, bills.asked) == (400, {"code": 3, "message": words}, [])


async def test_document_over_the_limit_is_refused() -> None:
    bills = Bills()
    whole = await post(app_with(bills, most=4), b"1234")
    over = await post(app_with(bills, most=4), [b"123", b"45"])
    assert (whole.status, over.status, len(bills.asked)) == (200, 400, 1)
    assert over.json == {"code": 3, "message": "request body exceeds maximum size of 4 bytes"}


@pytest.mark.parametrize("error", [Invalid("failed to decode SBOM: x"), Unavailable("away")])
async def test_whatever_the_scanner_says_is_an_internal_error(error: RoxError) -> None:
    answer = await post(app_with(Bills(error)), b"{}")
    assert answer.status == 500
    assert answer.json == {"code": 13, "message": f"scanning SBOM: scanning sbom: {error.message}"}


async def test_scan_that_takes_too_long_is_ended() -> None:
    answer = await post(app_with(Bills(hangs=True), seconds=0), b"{}")
    words = "scanning SBOM: scanning sbom: context deadline exceeded"
    assert (answer.status, answer.json) == (500, {"code": 13, "message": words})


@pytest.mark.parametrize(("word", "status"), [("reader", 403), ("", 401), ("bad", 401)])
async def test_caller_without_the_right_is_refused(word: str, status: int) -> None:
    bills = Bills()
    answer = await post(app_with(bills), b"{}", word=word)
    assert (answer.status, bills.asked) == (status, [])


async def test_other_methods_are_not_allowed_and_a_missing_scanner_is_told_first() -> None:
    got = await request(app_with(Bills()), "GET", PATH, headers=bearer("writer"))
    missing = await request(app_with(None), "GET", PATH, headers=bearer("writer"))
    assert (got.status, got.body) == (405, b"")
    assert (missing.status, missing.json) == (501, {"code": 12, "message": "Scanner V4 is disabled."})
