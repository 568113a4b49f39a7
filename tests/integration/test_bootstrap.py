"""Bootstrap against an API server with conflicts: races, refusals, renewal, nothing secret in logs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pyrox.clock import Clock, SystemClock
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_certificates
from services.bootstrap import material
from services.bootstrap.app import execute
from services.bootstrap.config import load
from services.bootstrap.wanted import CENTRAL
from tests.support.pki import FixedClock
from tests.support.secrets_api import SecretsApi

NAMES = {one.name for one in CENTRAL}
LEAVES = {one.name for one in CENTRAL if one.has_certificate}
LABELS = {"rhacs.redhat.com/tls": "true"}


@pytest.fixture(name="api")
async def _api() -> AsyncIterator[SecretsApi]:
    async with SecretsApi().running() as api:
        yield api


async def bootstrap(api: SecretsApi, directory: Path, *words: str, clock: Clock | None = None) -> list[str]:
    config = load(["central", *words], {"KUBECONFIG": str(api.kubeconfig(directory))})
    return await execute(config, clock or SystemClock())


def ca_of(api: SecretsApi, clock: Clock) -> CertificateAuthority:
    data = api.data("central-tls")
    return CertificateAuthority.load(data["ca.pem"], data["ca-key.pem"], clock=clock)


def serial(api: SecretsApi, name: str) -> int:
    return load_certificates(api.data(name)["cert.pem"])[0].serial_number


async def test_run_makes_everything_of_one_ca_and_a_second_changes_nothing(
    api: SecretsApi, tmp_path: Path
) -> None:
    assert await bootstrap(api, tmp_path) == []
    assert set(api.secrets) == NAMES
    assert api.writes[0] == ("create", "central-tls")
    trust = ServiceTrust([ca_of(api, SystemClock()).certificate], SystemClock())
    for name in LEAVES:
        assert trust.subject_of(load_certificates(api.data(name)["cert.pem"])[0]).type.endswith("_SERVICE")
    before = dict(api.secrets)
    assert await bootstrap(api, tmp_path, "--renew") == []
    assert api.secrets == before


async def test_runs_at_once_agree_on_one_ca(api: SecretsApi, tmp_path: Path) -> None:
    assert await asyncio.gather(*(bootstrap(api, tmp_path) for _ in range(4))) == [[]] * 4
    assert sorted(api.writes) == sorted(("create", name) for name in NAMES)
    ca = ca_of(api, SystemClock())
    assert all(api.data(name)["ca.pem"] == ca.cert_pem for name in LEAVES)


async def test_run_that_loses_each_race_keeps_the_others_secrets(api: SecretsApi, tmp_path: Path) -> None:
    other = CertificateAuthority.create(clock=SystemClock())
    by_name = {one.name: one for one in CENTRAL}

    def first(name: str) -> None:
        if name not in api.secrets:
            made = material.make(
                by_name[name], lambda: other, namespace="stackrox", pick=lambda some: some[0]
            )
            api.put(name, dict(made), labels=LABELS)

    api.before_write = first
    assert await bootstrap(api, tmp_path) == []
    assert api.writes == []
    assert all(api.data(name)["ca.pem"] == other.cert_pem for name in LEAVES)


async def test_run_that_never_wins_gives_up_with_the_next_step(api: SecretsApi, tmp_path: Path) -> None:
    assert await bootstrap(api, tmp_path) == []

    def touch(name: str) -> None:
        api.put(name, api.data(name), labels=LABELS)

    api.before_write = touch
    later = FixedClock(datetime.now(UTC) + timedelta(days=200))
    with pytest.raises(Exception, match="changed by others again and again; run it once more"):
        await bootstrap(api, tmp_path, "--renew", clock=later)


async def test_missing_right_is_named_once_for_each_secret(api: SecretsApi, tmp_path: Path) -> None:
    api.forbidden = {"create"}
    problems = await bootstrap(api, tmp_path, "--without", "scanner-v4")
    assert [text.partition(":")[0] for text in problems] == [
        "secret central-tls",
        "secret central-htpasswd",
        "secret central-db-tls",
        "secret central-db-password",
    ]
    assert "let the account of the Job create secrets of its namespace" in problems[0]
    assert api.secrets == {}


async def test_bad_secret_does_not_keep_the_others_from_being_made(api: SecretsApi, tmp_path: Path) -> None:
    api.put("central-db-password", {"Password": b"x"})
    (problem,) = await bootstrap(api, tmp_path)
    assert "secret central-db-password has no key 'password'" in problem
    assert set(api.secrets) == NAMES
    assert api.data("central-db-password") == {"Password": b"x"}


async def test_renewal_replaces_certificate_and_key_and_nothing_else(api: SecretsApi, tmp_path: Path) -> None:
    assert await bootstrap(api, tmp_path) == []
    before = {name: api.data(name) for name in NAMES}
    serials = {name: serial(api, name) for name in LEAVES}
    later = FixedClock(datetime.now(UTC) + timedelta(days=200))
    assert await bootstrap(api, tmp_path, clock=later) == []
    assert {name: serial(api, name) for name in LEAVES} == serials
    assert await bootstrap(api, tmp_path, "--renew", clock=later) == []
    for name in NAMES:
        same = {key for key, value in api.data(name).items() if value == before[name][key]}
        assert set(before[name]) - same == ({"cert.pem", "key.pem"} if name in LEAVES else set())


async def test_dry_run_writes_nothing(api: SecretsApi, tmp_path: Path) -> None:
    assert await bootstrap(api, tmp_path, "--dry-run") == []
    assert api.secrets == {}


async def test_logs_hold_no_secret(
    api: SecretsApi, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await bootstrap(api, tmp_path) == []
    written = "".join(capfd.readouterr())
    assert "central-htpasswd" in written
    for name in NAMES:
        for key, value in api.data(name).items():
            assert key in {"ca.pem", "cert.pem"} or value.decode().strip() not in written
    assert "PRIVATE KEY" not in written
