"""A machine logs in at a real Central with the token of an identity provider on loopback."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from pyrox.mtls.identity import Subject
from pyrox.pg.settings import Settings
from tests.support.central import RunningCentral, running_central
from tests.support.pki import Pki

pytestmark = [pytest.mark.needs("postgres")]


@dataclass
class Provider:
    """An OpenID Connect provider."""

    issuer: str
    key: RSAKey

    def token(self, **claims: Any) -> str:
        body = {"iss": self.issuer, "sub": "job", "exp": 4_000_000_000, "groups": ["builders"]}
        body.update(claims)
        return jwt.encode({"alg": "RS256", "kid": "k"}, body, self.key)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Provider, Path]]:
    directory = tmp_path_factory.mktemp("provider")
    pki = Pki(directory)
    issued = pki.ca.issue(Subject("SENSOR_SERVICE", "x"), extra_names=("localhost",))
    files = pki.write(issued, "issuer")
    key = RSAKey.generate_key(2048, {"kid": "k"})
    made = Provider("", key)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body: Any = {"issuer": made.issuer, "jwks_uri": f"{made.issuer}/keys"}
            if self.path == "/keys":
                body = KeySet([key]).as_dict(private=False)
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.cert, files.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made.issuer = f"https://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    authorities = directory / "authorities"
    authorities.mkdir()
    (authorities / "issuer.crt").write_bytes(pki.ca_file.read_bytes())
    yield made, authorities
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def central(
    tmp_path_factory: pytest.TempPathFactory, database: Settings, provider: tuple[Provider, Path]
) -> Iterator[RunningCentral]:
    arguments = ("--additional-ca", str(provider[1]))
    with running_central(tmp_path_factory.mktemp("central"), database, arguments=arguments) as running:
        yield running


@pytest.fixture
def trusted(
    central: RunningCentral, provider: tuple[Provider, Path]
) -> Iterator[tuple[httpx.Client, str, Provider]]:
    """The administrator's client, the id of a configuration for the provider, the provider."""
    config = {
        "type": "GENERIC",
        "issuer": provider[0].issuer,
        "tokenExpirationDuration": "5m",
        "mappings": [{"key": "groups", "valueExpression": "^builders$", "role": "Continuous Integration"}],
    }
    with central.client() as client:
        made = client.post("/v1/auth/m2m", json={"config": config})
        assert made.status_code == 200, made.text
        key = made.json()["config"]["id"]
        yield client, key, provider[0]
        client.delete(f"/v1/auth/m2m/{key}")


def exchange(central: RunningCentral, token: str) -> httpx.Response:
    with central.client(auth=None) as anybody:
        return anybody.post("/v1/auth/m2m/exchange", json={"idToken": token})


def status(central: RunningCentral, token: str) -> httpx.Response:
    with central.client(token=token) as client:
        return client.get("/v1/auth/status")


def test_exchanged_token_has_the_mapped_role(
    central: RunningCentral, trusted: tuple[httpx.Client, str, Provider]
) -> None:
    _, key, provider = trusted
    answer = exchange(central, provider.token(email="ci@example.com"))
    assert answer.status_code == 200, answer.text
    who = status(central, answer.json()["accessToken"]).json()
    assert who["userId"] == f"sso:{key}:job|ci@example.com"
    assert [role["name"] for role in who["userInfo"]["roles"]] == ["Continuous Integration"]
    assert {"key": "groups", "values": ["builders"]} in who["userAttributes"]


def test_foreign_token_works_on_any_call_without_an_exchange(
    central: RunningCentral, trusted: tuple[httpx.Client, str, Provider]
) -> None:
    token = trusted[2].token()
    assert status(central, token).json()["userInfo"]["username"] == "job"
    with central.client(token=token) as client:
        assert client.get("/v1/policies").status_code == 403


@pytest.mark.parametrize(
    ("claims", "code", "words"),
    [
        ({"groups": ["others"]}, 401, "no valid role"),
        ({"exp": 1}, 401, "token is expired"),
        ({"iss": "https://unknown.example"}, 404, "no auth machine to machine config for issuer"),
    ],
)
def test_exchange_refuses(
    central: RunningCentral,
    trusted: tuple[httpx.Client, str, Provider],
    claims: dict[str, Any],
    code: int,
    words: str,
) -> None:
    answer = exchange(central, trusted[2].token(**claims))
    assert answer.status_code == code
    assert words in answer.json()["message"]


def test_token_ends_with_its_configuration(
    central: RunningCentral, trusted: tuple[httpx.Client, str, Provider]
) -> None:
    client, key, provider = trusted
    token = exchange(central, provider.token()).json()["accessToken"]
    assert status(central, token).status_code == 200
    client.delete(f"/v1/auth/m2m/{key}")
    answer = status(central, token)
    assert answer.status_code == 401
    assert "unknown token source" in answer.json()["message"]


def test_configuration_is_listed_read_and_changed(
    central: RunningCentral, trusted: tuple[httpx.Client, str, Provider]
) -> None:
    client, key, provider = trusted
    assert [config["id"] for config in client.get("/v1/auth/m2m").json()["configs"]] == [key]
    config = client.get(f"/v1/auth/m2m/{key}").json()["config"]
    assert (config["issuer"], config["tokenExpirationDuration"]) == (provider.issuer, "5m")
    config["mappings"][0]["valueExpression"] = "^nobody$"
    assert client.put(f"/v1/auth/m2m/{key}", json={"config": config}).status_code == 200
    assert exchange(central, provider.token()).status_code == 401


def test_second_configuration_of_an_issuer_is_refused(trusted: tuple[httpx.Client, str, Provider]) -> None:
    client, _, provider = trusted
    config = {"issuer": provider.issuer, "tokenExpirationDuration": "5m"}
    answer = client.post("/v1/auth/m2m", json={"config": config})
    assert (answer.status_code, answer.json()["code"]) == (409, 6)


def test_unknown_configuration_is_not_found(trusted: tuple[httpx.Client, str, Provider]) -> None:
    missing = "00000000-0000-4000-8000-000000000000"
    assert trusted[0].get(f"/v1/auth/m2m/{missing}").status_code == 404
    assert trusted[0].delete(f"/v1/auth/m2m/{missing}").status_code == 200
