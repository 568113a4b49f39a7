from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.errors import Invalid
from services.sensor import config
from services.sensor.certificates.registration import Registration, ensure
from tests.support.pki import FixedClock

HELM = "clusterName: shop\nmanagedBy: MANAGER_TYPE_HELM_CHART\n"


def settings(directory: Path, *, helm: bool = True) -> config.Config:
    """Of an init container whose mounts lie in the directory."""
    (directory / "certs").mkdir()
    if helm:
        (directory / "helm-cluster-config").mkdir()
        (directory / "helm-cluster-config" / "config.yaml").write_text(HELM)
    environment = {
        "ROX_MTLS_CERT_FILE": str(directory / "certs" / "cert.pem"),
        "ROX_MTLS_KEY_FILE": str(directory / "certs" / "key.pem"),
        "ROX_MTLS_CA_FILE": str(directory / "certs" / "ca.pem"),
        "KUBECONFIG": str(directory / "no-kubeconfig"),
    }
    return config.load(["--secrets", str(directory)], environment)


async def run(directory: Path, environment: dict[str, str], *, helm: bool = True) -> None:
    given = Registration.read({"ROX_CRS_FILE": str(directory / "crs"), **environment})
    await ensure(given, settings(directory, helm=helm), clock=FixedClock(), random=lambda: 0.5)


def test_defaults_are_those_of_the_chart() -> None:
    given = Registration.read({})
    assert given.crs_file == Path("/run/secrets/stackrox.io/crs/crs")
    assert not given.has_certificate


@pytest.mark.parametrize("name", ["ROX_LEGACY_SENSOR_SERVICE_CERT", "ROX_SENSOR_SERVICE_CERT"])
async def test_cluster_with_a_certificate_is_left_alone(name: str, tmp_path: Path) -> None:
    await run(tmp_path, {name: "-----BEGIN CERTIFICATE-----"})
    assert list((tmp_path / "certs").iterdir()) == []


async def test_missing_secret_says_what_to_mount(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"crs: No such file.*mount the secret cluster-registration-secret"):
        await run(tmp_path, {})


@pytest.mark.parametrize("payload", [b"", b"no base64!", b"e30=", b"x" * ((1 << 20) + 1)])
async def test_secret_that_cannot_be_read_is_refused(payload: bytes, tmp_path: Path) -> None:
    (tmp_path / "crs").write_bytes(payload)
    with pytest.raises(Invalid, match="cluster registration secret"):
        await run(tmp_path, {})
    assert list((tmp_path / "certs").iterdir()) == []


async def test_cluster_that_nobody_manages_cannot_register(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="set helmManaged=true or use an init bundle"):
        await run(tmp_path, {}, helm=False)
