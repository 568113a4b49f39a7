"""What a registry's answers mean, and where its redirects may lead; no request is sent."""

from __future__ import annotations

import re
import ssl

import httpx
import orjson
import pytest

from pyrox.errors import Exhausted, Invalid, NotFound, RoxError, Unavailable
from pyrox.mtls.ca import CertificateAuthority
from pyrox.registry.transport import (
    Limits,
    Tls,
    Transport,
    next_address,
    read_bounded,
    refusal,
    tls_context,
    words_of,
)
from tests.support.pki import FixedClock


def answer(status: int = 400, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, request=httpx.Request("GET", "https://r.example/v2/"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"errors": [{"code": "DENIED", "message": "no access"}]}', "DENIED: no access"),
        (b'{"errors": [{"code": "A"}, {"message": "b"}, 7, {}]}', "A; b; "),
        (b'{"errors": "odd", "message": "m"}', "m"),
        (b'{"details": "d", "message": "m"}', "d"),
        (b'{"error": "e"}', "e"),
        (b'{"errors": []}', ""),
        (b"[]", "[]"),
        (b"plain  words\n\twith\x00 bytes \xff", "plain words with bytes \ufffd"),
        (b"", ""),
        (b"x" * 1000, "x" * 500),
    ],
)
def test_words_of_an_answer_are_the_registrys_own(body: bytes, words: str) -> None:
    assert words_of(answer(), body) == words.strip()


def test_words_of_many_errors_are_the_first_five() -> None:
    body = orjson.dumps({"errors": [{"code": str(number)} for number in range(9)]})
    assert words_of(answer(), body) == "0; 1; 2; 3; 4"


def test_page_for_people_has_no_words() -> None:
    response = answer(502, **{"content-type": "text/html; charset=utf-8"})
    assert words_of(response, b"<html>Bad gateway</html>") == ""
    assert str(refusal("r", "manifest", response, b"<html>")) == "registry r: manifest: 502 Bad Gateway"


@pytest.mark.parametrize(
    ("status", "kind", "hint"),
    [
        (401, Invalid, "check the user name, the password and the right to pull"),
        (403, Invalid, "check the user name"),
        (404, NotFound, ""),
        (429, Exhausted, "the registry limits the rate of pulls"),
        (400, Invalid, ""),
        (418, Invalid, ""),
        (500, Unavailable, ""),
        (503, Unavailable, ""),
    ],
)
def test_refusal_of_each_status_has_a_class_and_a_next_step(
    status: int, kind: type[RoxError], hint: str
) -> None:
    error = refusal("r.example", "blob x", answer(status), b'{"message": "because"}')
    assert type(error) is kind
    assert error.message.startswith(f"registry r.example: blob x: {status} ")
    assert ": because" in error.message
    assert hint in error.message


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("https://a/v2/x", "/v2/y", "https://a/v2/y"),
        ("https://a/v2/x", "https://cdn.example/blob?sig=1", "https://cdn.example/blob?sig=1"),
        ("https://a/v2/x", "//b/z", "https://b/z"),
        ("http://a/v2/x", "https://a/v2/x", "https://a/v2/x"),
        ("http://a/v2/x", "http://b/", "http://b/"),
    ],
)
def test_redirect_that_is_safe_is_followed(url: str, location: str, target: str) -> None:
    assert next_address(url, location) == target


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://a/x", "http://a/x"),
        ("https://a/x", "file:///etc/passwd"),
        ("http://a/x", "ftp://a/x"),
        ("http://a/x", "gopher://a"),
        ("https://a/x", "javascript:alert(1)"),
    ],
)
def test_redirect_that_leaves_http_or_https_is_refused(url: str, location: str) -> None:
    with pytest.raises(Invalid, match=r"registry a redirects to .* not safe to follow"):
        next_address(url, location)


def test_tls_context_checks_unless_told_otherwise() -> None:
    strict, loose = tls_context(Tls()), tls_context(Tls(verify=False))
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert not strict.verify_flags & ssl.VERIFY_X509_STRICT
    assert (loose.verify_mode, loose.check_hostname) == (ssl.CERT_NONE, False)


def test_tls_context_adds_an_authority_and_refuses_nonsense() -> None:
    pem = CertificateAuthority.create(clock=FixedClock()).cert_pem.decode()
    count = len(tls_context(Tls()).get_ca_certs())
    assert len(tls_context(Tls(ca_pem=pem)).get_ca_certs()) == count + 1
    with pytest.raises(Invalid, match="certificate authorities for the registry cannot be read"):
        tls_context(Tls(ca_pem="not a certificate"))


def streamed(content: bytes, status: int = 200) -> httpx.Response:
    """An answer whose body is still to be read."""
    return httpx.Response(status, stream=httpx.ByteStream(content))


class Scripted(httpx.AsyncBaseTransport):
    """A registry in memory: the next answer for each request, or the error that it ends with."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def scripted(
    monkeypatch: pytest.MonkeyPatch, *answers: httpx.Response | Exception
) -> tuple[Transport, Scripted]:
    peer = Scripted(*answers)
    transport = Transport(tls=Tls(), limits=Limits(), user_agent="PyRox")
    client = httpx.AsyncClient(transport=peer, trust_env=False)
    monkeypatch.setattr(transport, "_connected", lambda: client)
    return transport, peer


async def body_of(transport: Transport, url: str = "https://a/x", auth: str = "") -> bytes:
    async with transport.open(url, what="thing", headers={"accept": "*/*"}, seconds=5, auth=auth) as response:
        return await read_bounded(response, 10, "the thing")


async def test_credentials_stay_with_the_first_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    hops = ["https://a/y", "https://b/z", "https://a:8443/", "https://a:443/last"]
    transport, peer = scripted(
        monkeypatch,
        *(httpx.Response(307, headers={"location": hop}) for hop in hops),
        streamed(b"ok"),
    )
    assert await body_of(transport, auth="Bearer secret") == b"ok"
    sent = {str(request.url): request.headers.get("authorization", "") for request in peer.requests}
    assert sent == {
        "https://a/x": "Bearer secret",
        "https://a/y": "Bearer secret",
        "https://b/z": "",
        "https://a:8443/": "",
        "https://a/last": "Bearer secret",
    }
    assert {request.headers["accept-encoding"] for request in peer.requests} == {"identity"}


async def test_redirects_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = [httpx.Response(302, headers={"location": "/x"}) for _ in range(7)]
    transport, peer = scripted(monkeypatch, *loop)
    with pytest.raises(Invalid, match="registry a redirects more than 5 times"):
        await body_of(transport)
    assert len(peer.requests) == 6


async def test_redirect_without_an_address_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    transport, _ = scripted(monkeypatch, streamed(b"moved", 302))
    assert await body_of(transport) == b"moved"


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (httpx.ConnectTimeout(""), Unavailable, "registry a: thing: no answer in time (ConnectTimeout)"),
        (httpx.ReadTimeout(""), Unavailable, "registry a: thing: no answer in time (ReadTimeout)"),
        (httpx.ConnectError("refused"), Unavailable, "registry a: thing: refused"),
        (httpx.RemoteProtocolError(""), Unavailable, "registry a: thing: RemoteProtocolError"),
        (ssl.SSLError("handshake"), Unavailable, "registry a: thing: ('handshake',)"),
        (TimeoutError(), Unavailable, "registry a: thing: not finished after 5 s"),
        (httpx.InvalidURL("bad"), Invalid, "registry a: thing: bad"),
    ],
)
async def test_broken_connection_names_host_and_errand(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[RoxError], text: str
) -> None:
    transport, _ = scripted(monkeypatch, error)
    with pytest.raises(kind) as caught:
        await body_of(transport)
    assert caught.value.message == text


@pytest.mark.parametrize("url", ["https://[a/x", "https://a:99999/x", "https://a:b/x", "https://a:0/x"])
async def test_malformed_host_is_refused_by_name_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    transport, peer = scripted(monkeypatch)
    with pytest.raises(Invalid, match=rf"registry address '{re.escape(url)}': .*expected http\(s\)://host"):
        await body_of(transport, url)
    assert peer.requests == []


@pytest.mark.parametrize("location", ["https://[a/", "https://a:99999/", "//r:0/x"])
async def test_redirect_to_a_malformed_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    transport, peer = scripted(monkeypatch, httpx.Response(302, headers={"location": location}))
    with pytest.raises(Invalid, match=r"registry address .*expected http"):
        await body_of(transport)
    assert len(peer.requests) == 1


async def test_body_up_to_the_limit_is_read_and_a_longer_one_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    transport, _ = scripted(monkeypatch, streamed(b"x" * 10), streamed(b"x" * 11))
    assert await body_of(transport) == b"x" * 10
    with pytest.raises(Exhausted, match="registry a: the thing is larger than 10 bytes"):
        await body_of(transport)


async def test_transport_that_never_connected_closes_without_making_a_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []
    monkeypatch.setattr(httpx, "AsyncClient", lambda **_: made.append("client"))
    transport = Transport(tls=Tls(), limits=Limits(), user_agent="x")
    await transport.close()
    assert made == []
    transport._connected()
    assert made == ["client"]
