"""A service CA in a directory, with certificates good and bad, for tests with real TLS."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyrox.clock import SystemClock
from pyrox.mtls.ca import CertificateAuthority, IssuedCertificate
from pyrox.mtls.identity import Subject
from pyrox.mtls.reload import CertFiles

CLUSTER_ID = "6c7a0a4e-3d0c-4e22-9f0f-5a8a2f6b1d11"
SENSOR = Subject("SENSOR_SERVICE", CLUSTER_ID)
COLLECTOR = Subject("COLLECTOR_SERVICE", CLUSTER_ID)


class FixedClock:
    """A clock that a test sets by hand."""

    def __init__(self, now: datetime = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)) -> None:
        self.moment = now
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class Pki:
    """One CA and the files of everybody it certified."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.ca = CertificateAuthority.create(clock=SystemClock())
        self.ca_file = directory / "ca.pem"
        self.ca_file.write_bytes(self.ca.cert_pem)

    def files(self, subject: Subject, name: str = "", **options: object) -> CertFiles:
        """A fresh certificate of this subject, on disk."""
        return self.write(self.ca.issue(subject, **options), name or subject.type)  # type: ignore[arg-type]  # tests

    def expired(self, subject: Subject) -> CertFiles:
        """A certificate that ended an hour ago, made by the same CA."""
        past = FixedClock(datetime.now(UTC) - timedelta(days=2))
        ca = CertificateAuthority.load(self.ca.cert_pem, self.ca.key_pem, clock=past)
        return self.write(ca.issue(subject, lifetime=timedelta(days=1)), f"expired-{subject.type}")

    def write(self, issued: IssuedCertificate, name: str) -> CertFiles:
        directory = self.directory / name
        directory.mkdir(exist_ok=True)
        files = CertFiles.in_directory(directory)
        files.cert.write_bytes(issued.cert_pem)
        files.key.write_bytes(issued.key_pem)
        return files
