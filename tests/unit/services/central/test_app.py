"""The composition root: secrets that cannot be used are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.errors import Invalid
from pyrox.mtls.ca import CertificateAuthority
from pyrox.mtls.identity import CENTRAL
from services.central import main as entry
from services.central.app import build
from services.central.config import Config, load
from tests.support.pki import FixedClock


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def config(tmp_path: Path, clock: FixedClock) -> Config:
    """Everything but the key that signs tokens."""
    secrets = tmp_path / "secrets"
    for name in ("certs", "jwt", "db-password"):
        (secrets / name).mkdir(parents=True)
    ca = CertificateAuthority.create(clock=clock)
    issued = ca.issue(CENTRAL)
    for name, content in (
        ("ca.pem", ca.cert_pem),
        ("ca-key.pem", ca.key_pem),
        ("cert.pem", issued.cert_pem),
        ("key.pem", issued.key_pem),
    ):
        (secrets / "certs" / name).write_bytes(content)
    (secrets / "db-password" / "password").write_text("x")
    database = tmp_path / "db.yaml"
    database.write_text("centralDB: {source: 'host=127.0.0.1 port=1 user=u dbname=d'}")
    return load(["--secrets", str(secrets), "--external-db", str(database)], {})


async def test_build_without_the_signing_key_names_it(config: Config, clock: FixedClock) -> None:
    with pytest.raises(Invalid) as caught:
        await build(config, clock)
    assert caught.value.message == (
        f"{config.jwt / 'jwt-key.pem'}: No such file or directory; mount the secret central-tls"
    )


@pytest.mark.parametrize("name", ["jwt-key.der", "jwt-key.pem"])
@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN RSA PRIVATE KEY-----\nAA==\n"])
async def test_build_with_an_unreadable_signing_key_names_the_directory(
    config: Config, clock: FixedClock, name: str, content: bytes
) -> None:
    (config.jwt / name).write_bytes(content)
    with pytest.raises(Invalid, match="no RSA key can be read") as caught:
        await build(config, clock)
    assert caught.value.message.startswith(f"{config.jwt}: ")


async def test_build_without_a_certificate_names_it(config: Config, clock: FixedClock) -> None:
    (config.certs / "cert.pem").unlink()
    with pytest.raises(Invalid, match=r"cert\.pem: No such file or directory"):
        await build(config, clock)


async def test_serve_ends_with_two_for_a_secret_that_cannot_be_used(config: Config) -> None:
    (config.certs / "ca-key.pem").unlink()
    assert await entry.serve(config) == 2
