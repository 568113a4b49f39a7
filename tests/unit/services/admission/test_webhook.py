"""The webhook's HTTP side."""

from __future__ import annotations

import json

import pytest

from pyrox.errors import NotFound
from services.admission import review
from services.admission import webhook as module
from services.admission.policies import Ruling
from services.admission.review import Review
from services.admission.webhook import Webhook
from tests.support.asgi import Answer, request
from tests.unit.services.admission.builders import PRIVILEGED, ruling

REVIEW = json.dumps(
    {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "u1", "name": "web"}}
).encode()


async def passes(asked: Review, rules: Ruling) -> bytes:
    del rules
    return review.allowed(asked)


async def fails(asked: Review, rules: Ruling) -> bytes:
    del rules
    raise NotFound(f"no {asked.name}")


def app(*, ready: bool = True) -> Webhook:
    rules = ruling(PRIVILEGED) if ready else None
    return Webhook(ruling=lambda: rules, validate=passes, events=fails)


async def ask(method: str, path: str, body: bytes = b"", *, ready: bool = True) -> Answer:
    return await request(app(ready=ready), method, path, body=body)


async def test_review_is_answered_as_plain_text() -> None:
    answer = await ask("POST", "/validate", REVIEW)
    assert answer.status == 200
    assert answer.json["response"] == {"uid": "u1", "allowed": True}
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-length"] == str(len(answer.raw))


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("GET", "/validate", b"", 200, "{}\n"),
        ("GET", "/events", b"", 200, "{}\n"),
        ("PUT", "/validate", b"", 400, "Endpoint only supports GET and POST requests\n"),
        ("GET", "/elsewhere", b"", 404, "404 page not found\n"),
        ("GET", "/ready", b"", 200, "ok\n"),
        ("POST", "/events", REVIEW, 500, "no web\n"),
    ],
)
async def test_other_answers(method: str, path: str, body: bytes, status: int, text: str) -> None:
    answer = await ask(method, path, body)
    assert (answer.status, answer.body.decode()) == (status, text)


async def test_bad_body_has_upstreams_answer() -> None:
    answer = await ask("POST", "/validate", b"{bad")
    assert answer.status == 400
    assert len(answer.raw) == 140
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_without_settings_reviews_and_readiness_are_refused() -> None:
    answer = await ask("POST", "/validate", REVIEW, ready=False)
    assert (answer.status, answer.body) == (
        503,
        b"No settings are available. Not ready to handle admission controller requests\n",
    )
    ready = await ask("GET", "/ready", ready=False)
    assert (ready.status, ready.body) == (503, b"not ready\n")


async def test_stopping_replica_is_not_ready_and_still_answers() -> None:
    stopping = app()
    stopping.stopping = True
    assert (await request(stopping, "GET", "/ready")).status == 503
    assert (await request(stopping, "POST", "/validate", body=REVIEW)).status == 200


async def test_body_above_the_limit_is_refused_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    answer = await request(app(), "POST", "/validate", body=[b"12345678", b"90123"])
    assert (answer.status, answer.body) == (400, b"reading request body: longer than 10 bytes\n")


async def test_body_in_parts_is_put_together() -> None:
    answer = await request(app(), "POST", "/validate", body=[REVIEW[:20], REVIEW[20:]])
    assert answer.status == 200
