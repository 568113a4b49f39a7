"""A real Central in a process of its own, on loopback, with certificates of a test CA.

Conformance and integration tests talk to it as any client does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pyrox.mtls.identity import CENTRAL
from pyrox.pg.settings import Settings
from tests.support.pg import free_port
from tests.support.pki import Pki

ROOT = Path(__file__).resolve().parents[2]
ADMIN = "admin"
PASSWORD = "letmein"
START_SECONDS = 60


@dataclass
class RunningCentral:
    """A Central that answers."""

    process: subprocess.Popen[bytes]
    port: int
    pki: Pki
    log: Path
    command: list[str]
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def client(self, *, auth: tuple[str, str] | None = (ADMIN, PASSWORD), token: str = "") -> httpx.Client:
        """An HTTP client; without arguments it is the administrator."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(
            base_url=self.url,
            auth=None if token else auth,
            headers=headers,
            verify=False,  # noqa: S501 - the certificate names no address; TLS itself has its own tests
            timeout=30,
        )

    def start(self) -> None:
        """Start the process and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, cwd=ROOT, env={**os.environ, **self.environment}
            )
        self.wait()

    def wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"Central ended:\n{self.log.read_text()[-4000:]}")
            try:
                with self.client(auth=None) as client:
                    if client.get("/v1/ping").status_code == 200:
                        return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"Central does not answer:\n{self.log.read_text()[-4000:]}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()


def write_secrets(
    directory: Path, pki: Pki, database: Settings, *, source: str = "", external: bool = False
) -> Path:
    """The mounted secrets of a Central; the file with the database's source."""
    certs, jwt = directory / "certs", directory / "jwt"
    for folder in (certs, jwt, directory / "htpasswd", directory / "db-password"):
        folder.mkdir(parents=True)
    issued = pki.ca.issue(CENTRAL)
    (certs / "ca.pem").write_bytes(pki.ca.cert_pem)
    (certs / "ca-key.pem").write_bytes(pki.ca.key_pem)
    (certs / "cert.pem").write_bytes(issued.cert_pem)
    (certs / "key.pem").write_bytes(issued.key_pem)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (jwt / "jwt-key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (directory / "htpasswd" / "htpasswd").write_text(f"{ADMIN}:{hashed}\n")
    (directory / "db-password" / "password").write_text(database.password)
    plain = f"host={database.host} port={database.port} user={database.user} dbname={database.database}"
    file = directory / "central-external-db.yaml"
    file.write_text(json.dumps({"centralDB": {"external": external, "source": source or plain}}))
    return file


def prepared_central(
    directory: Path,
    database: Settings,
    *,
    arguments: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
) -> RunningCentral:
    """A Central on a random loopback port, with all its files, that nobody has started yet."""
    pki = Pki(directory / "pki")
    secrets = directory / "secrets"
    source = write_secrets(secrets, pki, database)
    port, metrics = free_port(), free_port()
    command = [sys.executable, "-m", "services", "central", "--listen", f"127.0.0.1:{port}"]
    command += [
        "--secrets",
        str(secrets),
        "--external-db",
        str(source),
        "--ui",
        str(ROOT / "ui" / "dist"),
        *arguments,
    ]
    settings = {"ROX_METRICS_PORT": f"127.0.0.1:{metrics}", "ROX_OFFLINE_MODE": "true", **(environment or {})}
    return RunningCentral(
        process=None,  # type: ignore[arg-type]  # set by start
        port=port,
        pki=pki,
        log=directory / "central.log",
        command=command,
        environment=settings,
    )


@contextmanager
def running_central(
    directory: Path,
    database: Settings,
    *,
    arguments: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
) -> Iterator[RunningCentral]:
    """A Central on a random loopback port, stopped afterwards."""
    central = prepared_central(directory, database, arguments=arguments, environment=environment)
    central.start()
    try:
        yield central
    finally:
        central.stop()
