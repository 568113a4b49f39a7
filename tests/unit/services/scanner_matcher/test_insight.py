"""The JSON routes: who may ask, what is refused, and in which form. What they answer: integration."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any, cast

import pytest

from pyrox.rpc.authn import AnyService, ServiceAuthenticator
from pyrox.rpc.call import ANONYMOUS, Identity
from services.scanner_matcher.insight import Insight, Parts

HASH = "/v4/containerimage/sha256:1"


class Nobody:
    """An authenticator that knows nobody."""

    async def identify(self, metadata: object, certificate: object) -> Identity:
        return ANONYMOUS


class Answers:
    """Every part at once; it remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    async def explain(self, *question: object) -> list[object]:
        self.asked.append(question)
        return []

    async def affected(self, vulnerability: str) -> list[object]:
        self.asked.append((vulnerability,))
        return []

    async def listed(self) -> list[object]:
        return []


async def ask(
    path: str, body: bytes = b"", *, method: str = "POST", known: bool = True, parts: Answers | None = None
) -> tuple[int, dict[str, Any]]:
    answers = cast("Any", parts or Answers())
    authenticator = AnyService(cast("ServiceAuthenticator", Nobody())) if known else Nobody()
    insight = Insight(parts=Parts(answers, answers, answers, answers), authenticator=authenticator)
    path, _, query = path.partition("?")
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode()}
    sent: list[MutableMapping[str, Any]] = []
    pieces = [body[at : at + 1_000_000] for at in range(0, len(body), 1_000_000)] or [b""]

    async def receive() -> MutableMapping[str, Any]:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(event: MutableMapping[str, Any]) -> None:
        sent.append(event)

    await insight.app()(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def test_caller_without_a_certificate_is_refused() -> None:
    status, answer = await ask("/pyrox/v1/vex", method="GET", known=False)
    assert (status, answer["code"]) == (401, 16)


async def test_question_is_handed_over() -> None:
    parts = Answers()
    body = json.dumps({"hash_id": HASH, "package": "a", "vulnerability": "CVE-1"}).encode()
    assert await ask("/pyrox/v1/explain", body, parts=parts) == (200, {"explanations": []})
    assert parts.asked == [(HASH, None, "a", "CVE-1")]


async def test_contents_without_an_image_are_a_question_too() -> None:
    parts = Answers()
    status, _ = await ask("/pyrox/v1/explain", b'{"contents": {"packages": {}}}', parts=parts)
    assert (status, parts.asked[0][0]) == (200, "")
    assert parts.asked[0][1] is not None


async def test_advisory_without_images_has_an_empty_list() -> None:
    status, answer = await ask("/pyrox/v1/affected", b'{"vulnerability": "CVE-1"}')
    assert (status, answer) == (200, {"vulnerability": "CVE-1", "complete": True, "affected": []})


@pytest.mark.parametrize(
    ("path", "body", "code", "words"),
    [
        ("/pyrox/v1/explain", b"[]", 400, "the body is no question"),
        ("/pyrox/v1/explain", b"{", 400, "the body is no question"),
        ("/pyrox/v1/explain", b'{"pakage": "a"}', 400, "unknown field `pakage`"),
        ("/pyrox/v1/explain", b"[" * 200_000, 400, "the body is no question"),
        ("/pyrox/v1/explain", b"{}", 400, "must start with"),
        ("/pyrox/v1/explain", b'{"hash_id": "x", "contents": {}}', 400, "must start with"),
        ("/pyrox/v1/explain", b'{"contents": {"none": 1}}', 400, "contents: "),
        ("/pyrox/v1/affected", b"{}", 400, "vulnerability is missing"),
        ("/pyrox/v1/other", b"", 404, "POST /pyrox/v1/other is not served here"),
        ("/vex", b"", 404, "is not served here"),
        ("/pyrox/v1/vex", b"x" * 26_000_000, 429, "longer than"),
    ],
)
async def test_bad_question_says_what_is_wrong(path: str, body: bytes, code: int, words: str) -> None:
    status, answer = await ask(path, body)
    assert (status, words in answer["message"]) == (code, True)


async def test_document_to_delete_must_be_named() -> None:
    status, answer = await ask("/pyrox/v1/vex", method="DELETE")
    assert (status, answer["message"]) == (400, "the parameter id is missing: the @id of a document")
