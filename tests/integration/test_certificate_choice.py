"""Certificates of a pod: what a real process serves while secrets come, change and go."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from pyrox.mtls.identity import Subject
from tests.support.pg import free_port
from tests.support.pki import CLUSTER_ID, Pki
from tests.support.process import Process
from tests.support.waiting import until

ADMISSION = Subject("ADMISSION_CONTROL_SERVICE", CLUSTER_ID)
# Two polls of five seconds follow a change, and a start on a busy machine comes before.
_SECONDS = 60.0


def secret(directory: Path, pki: Pki, prefix: str) -> int:
    """Write a fresh certificate as a secret holds it; its serial number."""
    issued = pki.ca.issue(ADMISSION)
    directory.mkdir(exist_ok=True)
    (directory / "ca.pem").write_bytes(pki.ca.cert_pem)
    (directory / f"{prefix}key.pem").write_bytes(issued.key_pem)
    (directory / f"{prefix}cert.pem").write_bytes(issued.cert_pem)
    return issued.certificate.serial_number


def served(port: int) -> int:
    """The serial number of the certificate that the webhook shows; 0 while it does not listen."""
    try:
        pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=60)
    except OSError:
        return 0
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


@pytest.fixture(name="pki")
def _pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


@pytest.fixture(name="process")
def _process(tmp_path: Path) -> Iterator[Process]:
    for name in ("certs", "certs-new", "certs-legacy"):
        (tmp_path / name).mkdir()
    port = free_port()
    words = ["--listen", f"127.0.0.1:{port}", "--certs", str(tmp_path / "certs")]
    words += ["--state", str(tmp_path / "state"), "--mounted", str(tmp_path / "mounted"), "--drain", "0s"]
    environment = {
        "ROX_CERTS_NEW_DIR": str(tmp_path / "certs-new"),
        "ROX_CERTS_LEGACY_DIR": str(tmp_path / "certs-legacy"),
        "ROX_METRICS_PORT": f"127.0.0.1:{free_port()}",
        "ROX_SENSOR_ENDPOINT": "127.0.0.1:1",
    }
    made = Process("admission", words, environment, tmp_path / "log")
    made.start()
    yield made
    made.stop()


def port_of(process: Process) -> int:
    return int(process.arguments[1].rpartition(":")[2])


async def test_pod_starts_with_its_bundle_and_takes_a_renewal_without_a_restart(
    process: Process, pki: Pki, tmp_path: Path
) -> None:
    port = port_of(process)
    await until(lambda: "waiting for a certificate" in process.log.read_text(), seconds=_SECONDS)
    assert served(port) == 0
    bundled = secret(tmp_path / "certs-legacy", pki, "admission-control-")
    await until(lambda: served(port) == bundled, seconds=_SECONDS)
    renewed = secret(tmp_path / "certs-new", pki, "")
    await until(lambda: served(port) == renewed, seconds=_SECONDS)
    assert process.alive()
    assert sorted(path.name for path in (tmp_path / "certs").iterdir()) == ["ca.pem", "cert.pem", "key.pem"]


async def test_pod_that_waits_for_a_certificate_ends_at_the_order_to_stop(process: Process) -> None:
    await until(lambda: "waiting for a certificate" in process.log.read_text(), seconds=_SECONDS)
    assert process.process is not None
    process.process.terminate()
    assert process.process.wait(timeout=_SECONDS) == 0
