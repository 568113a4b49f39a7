"""The HTTP calls before a stream, and answers that lie."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from pyrox.errors import Unavailable
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_certificates, load_key
from pyrox.mtls.identity import CENTRAL, Subject
from pyrox.mtls.servicecert import sign
from pyrox.pb.api.v1.metadata_service_pb2 import TrustInfo
from services.sensor.link.checks import CentralChecks
from tests.support.pki import SENSOR, FixedClock

CLOCK = FixedClock()
OURS, FOREIGN = CertificateAuthority.create(clock=CLOCK), CertificateAuthority.create(clock=CLOCK)
LIMIT = 24 << 20


def challenge(
    nonce: str, *, ca: CertificateAuthority = OURS, subject: Subject = CENTRAL, broken: bool = False
) -> Any:
    issued = ca.issue(subject)
    leaf = load_certificates(issued.cert_pem)[0]
    info = TrustInfo(cert_chain=[leaf.public_bytes(Encoding.DER)], sensor_challenge=nonce).SerializeToString()
    signature = sign(load_key(issued.key_pem), info + (b"x" if broken else b""))
    return {
        "trustInfoSerialized": base64.b64encode(info).decode(),
        "signature": base64.b64encode(signature).decode(),
    }


class Central:
    """Answers by path; an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.paths: list[str] = []
        self.answers: dict[str, Any] = {
            "/v1/ping": {"status": "ok"},
            "/v1/grpc-preferences": {"maxGrpcReceiveSizeBytes": "1000"},
            "/v1/tls-challenge": challenge,
        }
        self.answers.update({f"/v1/{name.replace('_', '-')}": answer for name, answer in answers.items()})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        answer = self.answers[request.url.path]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(request.url.params["challengeToken"])
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    async def run(self, *, reconnect: bool = False) -> int:
        transport = httpx.MockTransport(self)
        checks = CentralChecks(
            make_client=lambda: httpx.AsyncClient(transport=transport, base_url="https://c"),
            trust=ServiceTrust(load_certificates(OURS.cert_pem), CLOCK),
            fallback_limit=LIMIT,
        )
        return await checks.run(reconnect=reconnect)


async def test_run_calls_in_upstreams_order() -> None:
    central = Central()
    assert await central.run() == 1000
    assert central.paths == ["/v1/tls-challenge", "/v1/ping", "/v1/grpc-preferences"]
    again = Central()
    await again.run(reconnect=True)
    assert again.paths == ["/v1/ping", "/v1/tls-challenge", "/v1/grpc-preferences"]


BAD_CHALLENGES: dict[str, Callable[[str], Any]] = {
    "foreign CA": lambda nonce: challenge(nonce, ca=FOREIGN),
    "not Central": lambda nonce: challenge(nonce, subject=SENSOR),
    "other nonce": lambda _: challenge("other"),
    "broken signature": lambda nonce: challenge(nonce, broken=True),
    "no base64": lambda _: {"trustInfoSerialized": "!"},
    "empty": lambda _: {},
}


@pytest.mark.parametrize("case", BAD_CHALLENGES)
async def test_run_bad_challenge_is_logged_and_the_rest_goes_on(
    case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await Central(tls_challenge=BAD_CHALLENGES[case]).run() == 1000
    output = capsys.readouterr()
    assert "TLS challenge failed" in output.out + output.err


BAD_PINGS = {
    "not ok": {"status": "starting"},
    "error": httpx.Response(503),
    "no JSON": httpx.Response(200, text="<html>"),
    "a list": httpx.Response(200, json=[]),
    "refused": httpx.ConnectError("refused"),
    "silent": httpx.ReadTimeout("silent"),
}


@pytest.mark.parametrize("case", BAD_PINGS)
async def test_run_bad_ping_is_unavailable(case: str) -> None:
    with pytest.raises(Unavailable, match="Central"):
        await Central(ping=BAD_PINGS[case]).run()


async def test_run_odd_preferences_give_our_own_limit() -> None:
    assert await Central(grpc_preferences={}).run() == LIMIT
    assert await Central(grpc_preferences={"maxGrpcReceiveSizeBytes": "many"}).run() == LIMIT


class Endless(httpx.AsyncByteStream):
    """A body that never ends; counts what was taken of it."""

    def __init__(self) -> None:
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.taken += 1 << 16
            yield b" " * (1 << 16)


async def test_run_answer_that_does_not_end_is_cut_off_at_the_limit() -> None:
    body = Endless()
    with pytest.raises(Unavailable, match="Central/v1/ping: the answer is longer than 1048576 bytes"):
        await Central(ping=httpx.Response(200, stream=body)).run()
    assert body.taken <= (1 << 20) + (1 << 17)


async def test_run_refusal_with_an_endless_body_is_not_read() -> None:
    body = Endless()
    with pytest.raises(Unavailable, match="Central/v1/ping: HTTP 502"):
        await Central(ping=httpx.Response(502, stream=body)).run()
    assert body.taken == 0
