"""Central's start and end: settings that cannot be used, a crash, a clean stop, a second start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pyrox.pg.settings import Settings
from tests.support.central import ROOT, RunningCentral, running_central, write_secrets
from tests.support.pg import free_port
from tests.support.pki import Pki

pytestmark = [pytest.mark.needs("postgres")]


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[RunningCentral]:
    with running_central(tmp_path_factory.mktemp("central"), database) as running:
        yield running


def test_central_that_crashed_comes_back_with_what_it_had(central: RunningCentral) -> None:
    with central.client() as client:
        kept = client.post("/v1/apitokens/generate", json={"name": "kept", "roles": ["Analyst"]}).json()
        ended = client.post("/v1/apitokens/generate", json={"name": "ended", "roles": ["Admin"]}).json()
        client.patch(f"/v1/apitokens/revoke/{ended['metadata']['id']}").raise_for_status()
        client.post("/v1/clusters", json={"name": "shop"}).raise_for_status()
        before = {path: client.get(path).json() for path in ("/v1/clusters", "/v1/roles", "/v1/config")}
    central.kill()
    central.start()
    with central.client() as client:
        assert {path: client.get(path).json() for path in before} == before
    with central.client(token=kept["token"]) as client:
        assert client.get("/v1/clusters").status_code == 200
    with central.client(token=ended["token"]) as client:
        answer = client.get("/v1/clusters")
    assert answer.status_code == 401
    assert answer.json()["message"].endswith("token is revoked")


def test_central_ends_with_zero_when_told_to_and_leaves_its_port(central: RunningCentral) -> None:
    central.process.terminate()
    assert central.process.wait(timeout=30) == 0
    with pytest.raises(httpx.ConnectError), central.client() as client:
        client.get("/v1/ping")
    central.start()
    with central.client() as client:
        assert client.get("/v1/ping").json() == {"status": "ok"}


def test_replica_on_the_same_database_serves_the_same_objects(
    central: RunningCentral, tmp_path: Path
) -> None:
    port, metrics = free_port(), free_port()
    command = [
        f"127.0.0.1:{port}" if part == f"127.0.0.1:{central.port}" else part for part in central.command
    ]
    replica = RunningCentral(
        process=None,  # type: ignore[arg-type]  # set by start
        port=port,
        pki=central.pki,
        log=tmp_path / "replica.log",
        command=command,
        environment={**central.environment, "ROX_METRICS_PORT": f"127.0.0.1:{metrics}"},
    )
    replica.start()
    try:
        with central.client() as one, replica.client() as other:
            made = one.post("/v1/apitokens/generate", json={"name": "both", "roles": ["Analyst"]}).json()
            assert other.get("/v1/clusters").json() == one.get("/v1/clusters").json()
        with replica.client(token=made["token"]) as client:
            assert client.get("/v1/clusters").status_code == 200
    finally:
        replica.stop()


def started(directory: Path, database: Settings, *arguments: str, **environment: str) -> tuple[int, str]:
    """How a Central that cannot start ends: its code and what it says."""
    secrets = directory / "secrets"
    if not secrets.exists():
        write_secrets(secrets, Pki(directory / "pki"), database)
    command = [sys.executable, "-m", "services", "central", "--secrets", str(secrets)]
    command += ["--external-db", str(secrets / "central-external-db.yaml"), *arguments]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "ROX_METRICS_PORT": f"127.0.0.1:{free_port()}", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stderr + ended.stdout


def test_settings_that_cannot_be_used_end_the_start_with_two(tmp_path: Path, database: Settings) -> None:
    code, said = started(tmp_path, database, "--listen", "everywhere")
    assert (code, said) == (2, "central: address 'everywhere': expected [host:]port\n")


def test_secret_that_cannot_be_used_ends_the_start_with_two(tmp_path: Path, database: Settings) -> None:
    secrets = tmp_path / "secrets"
    write_secrets(secrets, Pki(tmp_path / "pki"), database)
    (secrets / "certs" / "ca-key.pem").write_text("no key")
    code, said = started(tmp_path, database, "--listen", f"127.0.0.1:{free_port()}")
    assert code == 2
    assert f"{secrets / 'certs' / 'ca-key.pem'}: no unencrypted private key" in said
    assert "Traceback" not in said


def test_port_that_is_taken_ends_the_process_with_one(
    central: RunningCentral, tmp_path: Path, database: Settings
) -> None:
    code, said = started(tmp_path, database, "--listen", f"127.0.0.1:{central.port}")
    assert code == 1
    assert "address already in use" in said.lower()
