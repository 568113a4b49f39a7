"""A real Central: logging in by redirects, and renewed certificates that it then accepts."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml

from pyrox.pg.settings import Settings
from services.central.access.authenticator import BASIC_PROVIDER_ID
from tests.support.central import ADMIN, RunningCentral, running_central

pytestmark = pytest.mark.needs("postgres")


@pytest.fixture(scope="module")
def central(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCentral]:
    with running_central(tmp_path_factory.mktemp("central"), database) as made:
        yield made


def challenge(central: RunningCentral, query: str) -> str:
    """Where the login's first redirect leads."""
    with central.client(auth=None) as client:
        answer = client.get(f"/sso/login/{BASIC_PROVIDER_ID}?{query}")
        assert answer.status_code == 303
        location = answer.headers["location"]
        asked = client.get(location)
        assert asked.status_code == 401
        assert asked.headers["www-authenticate"] == 'Basic realm="StackRox" charset="UTF-8"'
    return str(location)


def whoami(central: RunningCentral, token: str) -> str:
    with central.client(token=token) as client:
        answer = client.get("/v1/auth/status")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["userId"])


def test_browser_is_asked_for_the_password_and_comes_back_with_a_token(central: RunningCentral) -> None:
    location = challenge(central, "clientState=%2Fmain")
    with central.client(auth=(ADMIN, "wrong")) as client:
        assert client.get(location).status_code == 401
    with central.client() as client:
        answer = client.get(location)
    assert answer.status_code == 303
    parts = urlsplit(answer.headers["location"])
    assert parts.path == "/auth/response/generic"
    assert whoami(central, parse_qs(parts.fragment)["token"][0]) == ADMIN


def test_command_line_gets_its_token_at_its_own_address(central: RunningCentral) -> None:
    location = challenge(central, "authorizeCallback=http://127.0.0.1:9/cb")
    with central.client() as client:
        answer = client.get(location)
    parts = urlsplit(answer.headers["location"])
    assert (answer.status_code, parts.netloc, parts.path) == (303, "127.0.0.1:9", "/cb")
    assert whoami(central, parse_qs(parts.query)["token"][0]) == ADMIN


def test_session_ends_over_the_real_port(central: RunningCentral) -> None:
    with central.client(auth=None) as client:
        answer = client.post("/sso/session/logout")
        assert answer.status_code == 400
        assert answer.json() == {"code": 2, "message": "you are not currently logged in"}
        assert answer.headers["set-cookie"].startswith("RoxRefreshToken=; Path=/sso/session/; Max-Age=0")
        assert client.get("/sso/session/tokenrefresh").status_code == 400


def test_renewed_sensor_certificate_is_taken_by_central(central: RunningCentral, tmp_path: Path) -> None:
    with central.client() as client:
        body = {"name": "prod", "type": "KUBERNETES_CLUSTER", "mainImage": "main"}
        cluster = client.post("/v1/clusters", json=body).json()["cluster"]
        answer = client.post("/api/extensions/certgen/cluster", json={"id": cluster["id"]})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="cluster-prod-tls.yaml"'
    made = {one["metadata"]["name"]: one["stringData"] for one in yaml.safe_load_all(answer.text)}
    for file, text in made["sensor-tls"].items():
        (tmp_path / file).write_text(text)
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    context.check_hostname = False
    context.load_cert_chain(tmp_path / "sensor-cert.pem", tmp_path / "sensor-key.pem")
    with httpx.Client(base_url=central.url, verify=context, timeout=30) as sensor:
        status = sensor.get("/v1/auth/status")
    assert status.status_code == 200, status.text
    assert status.json()["serviceId"]["type"] == "SENSOR_SERVICE"
    assert status.json()["serviceId"]["id"] == cluster["id"]


def test_centrals_own_secret_holds_its_signing_key(central: RunningCentral) -> None:
    with central.client() as client:
        answer = client.post("/api/extensions/certgen/central")
    data = yaml.safe_load(answer.text)["stringData"]
    secrets = central.log.parent / "secrets"
    assert data["jwt-key.pem"] == (secrets / "jwt" / "jwt-key.pem").read_text()
    assert data["ca-key.pem"] == (secrets / "certs" / "ca-key.pem").read_text()
    with central.client(auth=None) as client:
        assert client.post("/api/extensions/certgen/central").status_code == 401
