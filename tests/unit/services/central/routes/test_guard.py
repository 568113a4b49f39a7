"""Authorisation of custom routes: the recorded refusals, certificates, metadata."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import Request
from fastapi.responses import Response

from pyrox.clock import SystemClock
from pyrox.errors import Exhausted, Invalid, NoCredentials, NotFound, RoxError, Unimplemented
from pyrox.mtls.ca import CertificateAuthority
from pyrox.rpc.authz import ANONYMOUS, AUTHENTICATED, Permissions, Rule
from pyrox.rpc.call import Identity
from pyrox.rpc.peers import Peer
from pyrox.rpc.scope import Scope
from services.central.routes.guard import Guard, refusal
from tests.support.asgi import scope_of
from tests.support.pki import SENSOR
from tests.support.routes import People, Reads, bearer, service

PEOPLE = People(
    reader=Identity(uid="reader", grants=Reads("Image", within=Scope(clusters=frozenset({"c"})))),
    sensor=service("SENSOR_SERVICE"),
)


def asked(word: str = "", peer: Peer | None = None) -> Request:
    return Request(scope_of("http", "GET", "/api/x?y=1", bearer(word), peer))


@pytest.mark.parametrize(
    ("word", "rule", "text"),
    [
        ("", AUTHENTICATED, "credentials not found"),
        ("nobody", AUTHENTICATED, "credentials not found"),
        ("sensor", AUTHENTICATED, "credentials not found"),
        ("bad", ANONYMOUS, "credentials not found: token-based: cannot extract identity: "),
        ("reader", Permissions(write=("Image",)), 'not authorized: "READ_WRITE_ACCESS" for "Image"'),
        ("reader", Permissions(read=("Image", "Node")), 'not authorized: "READ_ACCESS" for "Node"'),
    ],
)
async def test_check_refuses(word: str, rule: Rule, text: str) -> None:
    with pytest.raises(RoxError) as caught:
        await Guard(authenticator=PEOPLE).check(asked(word), rule)
    assert caught.value.message.startswith(text)


async def test_check_refuses_two_credentials_even_when_one_is_good() -> None:
    pairs = [("Authorization", "Bearer admin"), ("authorization", "Bearer reader")]
    twice = Request(scope_of("http", "GET", "/api/x", pairs, None))
    with pytest.raises(NoCredentials, match="more than one authorization header"):
        await Guard(authenticator=PEOPLE).check(twice, ANONYMOUS)


async def test_check_gives_the_call_of_the_request() -> None:
    call = await Guard(authenticator=PEOPLE).check(asked("reader"), Permissions(read=("Image",)))
    assert (call.method, call.identity.uid) == ("/api/x", "reader")
    assert call.metadata["authorization"] == "Bearer reader"
    assert call.scope("Image") == Scope(clusters=frozenset({"c"}))


async def test_check_shows_the_authenticator_the_client_certificate(tmp_path: Path) -> None:
    certificate = CertificateAuthority.create(clock=SystemClock()).issue(SENSOR).certificate
    people = People()
    peer = Peer(address="10.0.0.1:99", certificate=certificate, secure=True)
    call = await Guard(authenticator=people).check(asked("admin", peer), AUTHENTICATED)
    assert people.certificates == [certificate]
    assert call.peer == "10.0.0.1:99"


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (NoCredentials(), 401, "credentials not found\n"),
        (Invalid.because("no"), 400, "no: invalid arguments\n"),
        (NotFound("gone"), 404, "gone\n"),
        (Exhausted("too large"), 429, "too large\n"),
        (Unimplemented("not here"), 501, "not here\n"),
    ],
)
def test_refusal_is_plain_text_with_the_recorded_headers(error: RoxError, status: int, text: str) -> None:
    answer: Response = refusal(error)
    assert (answer.status_code, bytes(answer.body).decode()) == (status, text)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "www-authenticate" not in answer.headers


async def test_identity_of_bad_credentials_is_nobody() -> None:
    guard = Guard(authenticator=PEOPLE)
    assert (await guard.identity(asked("reader"))).uid == "reader"
    assert (await guard.identity(asked("bad"))).anonymous
    assert (await guard.identity(asked())).anonymous
