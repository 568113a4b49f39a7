"""The init container that registers a cluster: what ends it, what it tries again, what it leaves."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyrox.mtls.ca import load_certificates
from pyrox.mtls.identity import subject_of
from pyrox.pg.settings import Settings
from tests.support.central import RunningCentral, running_central
from tests.support.process import Process
from tests.support.secrets_api import SecretsApi
from tests.support.waiting import until

pytestmark = pytest.mark.needs("postgres")
_SECONDS = 60.0


@pytest.fixture(scope="module", name="central")
def _central(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[RunningCentral]:
    with running_central(tmp_path_factory.mktemp("central"), database) as running:
        yield running


@pytest.fixture(name="api")
async def _api() -> AsyncIterator[SecretsApi]:
    async with SecretsApi().running() as api:
        yield api


def ask(central: RunningCentral, method: str, path: str, **body: Any) -> Any:
    with central.client() as client:
        return client.request(method, path, json=body or None).raise_for_status().json()


def container(directory: Path, central: RunningCentral, api: SecretsApi, name: str) -> tuple[Process, str]:
    """The init container of a new cluster with a registration secret of its own, and the secret's id."""
    for folder in ("certs", "helm-cluster-config"):
        (directory / folder).mkdir()
    config = {"clusterName": name, "managedBy": "MANAGER_TYPE_HELM_CHART", "clusterConfig": {}}
    (directory / "helm-cluster-config" / "config.yaml").write_text(json.dumps(config))
    made = ask(central, "POST", "/v1/cluster-init/crs-extended", name=name)
    manifest = yaml.safe_load(base64.b64decode(made["crs"]))
    (directory / "crs").write_bytes(base64.b64decode(manifest["data"]["crs"]))
    environment = {
        "ROX_CENTRAL_ENDPOINT": f"127.0.0.1:{central.port}",
        "ROX_MTLS_CA_FILE": str(directory / "certs" / "ca.pem"),
        "ROX_MTLS_CERT_FILE": str(directory / "certs" / "cert.pem"),
        "ROX_MTLS_KEY_FILE": str(directory / "certs" / "key.pem"),
        "ROX_CRS_FILE": str(directory / "crs"),
        "KUBECONFIG": str(api.kubeconfig(directory)),
    }
    words = ["ensure-service-certificates", "--secrets", str(directory)]
    return Process("sensor", words, environment, directory / "log"), made["meta"]["id"]


async def ended(process: Process) -> int:
    """Start it and wait for its end."""
    process.start()
    assert process.process is not None
    try:
        return await asyncio.to_thread(process.process.wait, _SECONDS)
    finally:
        process.kill()


def holder(directory: Path) -> str:
    """Whose certificate lies where Sensor's is looked for."""
    return subject_of(load_certificates((directory / "certs" / "cert.pem").read_bytes())[0]).type


async def test_registration_leaves_secrets_and_sensors_certificate_in_place(
    central: RunningCentral, api: SecretsApi, tmp_path: Path
) -> None:
    process, _ = container(tmp_path, central, api, "plain")
    assert await ended(process) == 0, process.log.read_text()
    assert api.writes[-1] == ("create", "tls-cert-sensor")
    assert len(api.secrets) == 7
    assert holder(tmp_path) == "SENSOR_SERVICE"
    files = list((tmp_path / "certs").iterdir())
    assert {path.name: path.read_bytes() for path in files} == api.data("tls-cert-sensor")
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


async def test_registration_that_may_not_write_secrets_says_so_and_a_restart_finishes_it(
    central: RunningCentral, api: SecretsApi, tmp_path: Path
) -> None:
    process, _ = container(tmp_path, central, api, "forbidden")
    api.forbidden = {"create"}
    assert await ended(process) == 1
    assert "cannot create resource" in process.log.read_text()
    assert holder(tmp_path) == "REGISTRANT_SERVICE"
    api.forbidden = set()
    assert await ended(process) == 0, process.log.read_text()
    clusters = ask(central, "GET", "/v1/clusters")["clusters"]
    assert [one["name"] for one in clusters].count("forbidden") == 1


async def test_registration_that_was_killed_is_finished_by_the_next_one(
    central: RunningCentral, api: SecretsApi, tmp_path: Path
) -> None:
    process, _ = container(tmp_path, central, api, "killed")

    def kill(name: str) -> None:
        if name == "tls-cert-scanner":
            process.kill()

    api.before_write = kill
    await ended(process)
    assert "tls-cert-sensor" not in api.secrets
    api.before_write = lambda _: None
    assert await ended(process) == 0, process.log.read_text()
    assert len(api.secrets) == 7
    assert len({api.data(name)["ca.pem"] for name in api.secrets}) == 1


async def test_registration_by_a_revoked_secret_ends_at_once_with_the_reason(
    central: RunningCentral, api: SecretsApi, tmp_path: Path
) -> None:
    process, crs_id = container(tmp_path, central, api, "revoked")
    ask(central, "PATCH", "/v1/cluster-init/crs/revoke", ids=[crs_id])
    assert await ended(process) == 1
    assert f'init bundle "{crs_id}" is revoked' in process.log.read_text()
    assert api.secrets == {}


async def test_registration_waits_for_a_central_that_is_away(
    central: RunningCentral, api: SecretsApi, tmp_path: Path
) -> None:
    process, _ = container(tmp_path, central, api, "patient")
    central.stop()
    try:
        process.start()
        await until(lambda: process.log.exists() and "trying on" in process.log.read_text(), seconds=_SECONDS)
    finally:
        await asyncio.to_thread(central.start)
    assert process.process is not None
    try:
        assert await asyncio.to_thread(process.process.wait, _SECONDS) == 0, process.log.read_text()
    finally:
        process.kill()
    assert len(api.secrets) == 7
