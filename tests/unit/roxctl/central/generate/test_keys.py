"""`roxctl central generate`: certificates and keys that it is given."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyrox.clock import SystemClock
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_certificates
from pyrox.mtls.identity import CENTRAL
from tests.support.cli import Run, roxctl

OUT = Path("central-bundle")
VALUES = ("--output-format", "helm-values")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority.create(clock=SystemClock())


def generate(*words: str, **environment: str) -> Run:
    return roxctl("central", "generate", *words, environment=environment)


def private() -> Any:
    return yaml.safe_load((OUT / "values-private.yaml").read_text())


def pair(ca: CertificateAuthority, name: str) -> None:
    issued = ca.issue(CENTRAL)
    Path(f"{name}.pem").write_bytes(issued.cert_pem)
    Path(f"{name}-key.pem").write_bytes(issued.key_pem)


def test_certificate_for_users_is_taken_over(ca: CertificateAuthority) -> None:
    pair(ca, "a")
    words = ("--default-tls-cert", "a.pem", "--default-tls-key", "a-key.pem")
    assert generate(*words, "k8s", *VALUES, "none").code == 0
    expected = {"cert": Path("a.pem").read_text(), "key": Path("a-key.pem").read_text()}
    assert private()["central"]["defaultTLS"] == expected


@pytest.mark.parametrize(
    ("cert", "key", "told"),
    [
        ("a.pem", "b-key.pem", "tls: private key does not match public key"),
        ("a-key.pem", "a-key.pem", "tls: failed to find any PEM data in certificate input"),
        ("a.pem", "a.pem", "tls: failed to find any PEM data in key input"),
        ("a.pem", "", "tls: failed to find any PEM data in key input"),
    ],
)
def test_certificate_that_does_not_fit_its_key_is_refused(
    ca: CertificateAuthority, cert: str, key: str, told: str
) -> None:
    pair(ca, "a")
    pair(ca, "b")
    run = generate("k8s", *VALUES, "none", "--default-tls-cert", cert, "--default-tls-key", key)
    assert run.code == 1
    assert f"ERROR:\tvalidating TLS certificate and key pair: {told}" in run.err


def backup(ca: CertificateAuthority, **files: bytes) -> None:
    made = {
        "keys/ca.pem": ca.cert_pem,
        "keys/ca-key.pem": ca.key_pem,
        "keys/jwt-key.pem": ca.issue(CENTRAL).key_pem,
        **{name.replace("__", "/"): content for name, content in files.items()},
    }
    with zipfile.ZipFile("backup.zip", "w") as archive:
        for name, content in made.items():
            if content:
                archive.writestr(name, content)


def test_backup_gives_its_ca_keys_and_password(ca: CertificateAuthority) -> None:
    backup(ca, **{"central-db__password": b"secret\n", "postgres.dump": b"x" * 5000})
    assert generate("k8s", *VALUES, "none", "--backup-bundle", "backup.zip").code == 0
    made = private()
    assert made["ca"] == {"cert": ca.cert_pem.decode(), "key": ca.key_pem.decode()}
    assert made["central"]["db"]["password"] == {"value": "secret"}
    assert "PRIVATE KEY" in made["central"]["jwtSigner"]["key"]
    leaf = load_certificates(made["central"]["serviceTLS"]["cert"].encode())[0]
    assert ServiceTrust(load_certificates(ca.cert_pem), SystemClock()).subject_of(leaf).type == CENTRAL.type


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"keys/jwt-key.pem": b""}, "cannot find jwt key in backup bundle."),
        ({"keys/jwt-key.pem": b"junk"}, "the key that signs tokens cannot be read"),
        ({"keys/ca-key.pem": b""}, "the backup does not hold keys/ca-key.pem"),
        ({"keys/ca.pem": b"junk"}, "backup.zip: "),
        ({"keys/ca.pem": b"x" * 1_100_000}, "keys/ca.pem is larger than a megabyte"),
    ],
)
def test_backup_that_cannot_be_used_is_refused(
    ca: CertificateAuthority, files: dict[str, bytes], told: str
) -> None:
    backup(ca, **files)
    run = generate("k8s", *VALUES, "none", "--backup-bundle", "backup.zip")
    assert run.code == 1
    assert told in run.err
    assert not OUT.exists()
