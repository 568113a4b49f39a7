from __future__ import annotations

import base64
from typing import Any

import pytest

from pyrox.errors import Invalid
from pyrox.mtls.bundle import crs_payload
from pyrox.mtls.ca import CertificateAuthority
from pyrox.mtls.identity import Subject
from services.bootstrap.plan import Found
from services.bootstrap.webhook import authority, patch
from tests.support.pki import FixedClock

CA = CertificateAuthority.create(clock=FixedClock())
OTHER = CertificateAuthority.create(clock=FixedClock())


def secret(**data: bytes) -> Found:
    return Found({name.replace("_", "."): value for name, value in data.items()}, {}, "1")


def configuration(*bundles: str | None) -> dict[str, Any]:
    hooks = []
    for number, bundle in enumerate(bundles):
        service: dict[str, Any] = {"service": {"name": "admission-control"}}
        hooks.append(
            {"name": f"hook{number}", "clientConfig": service | ({"caBundle": bundle} if bundle else {})}
        )
    return {"webhooks": hooks}


def encoded(ca: CertificateAuthority) -> str:
    return base64.b64encode(ca.cert_pem).decode()


def test_authority_is_of_the_first_secret_that_holds_one() -> None:
    secrets = {
        "service-ca": secret(other=b"x"),
        "sensor-tls": secret(ca_pem=CA.cert_pem),
        "tls-cert-sensor": secret(ca_pem=OTHER.cert_pem),
    }
    assert authority(secrets) == CA.cert_pem


def test_authority_is_read_from_a_registration_secret() -> None:
    payload = crs_payload(CA.cert_pem, CA.issue(Subject("REGISTRANT_SERVICE", "x")))
    assert authority({"cluster-registration-secret": secret(crs=payload)}) == CA.cert_pem


def test_authority_that_is_nowhere_names_the_places_and_the_next_step() -> None:
    with pytest.raises(Invalid, match=r"none of the secrets service-ca, sensor-tls.*init bundle"):
        authority({"sensor-tls": secret(cert_pem=b"x")})


@pytest.mark.parametrize(
    "held", [secret(ca_pem=b"no certificate"), secret(crs=base64.b64encode(b'{"version": 1}'))]
)
def test_authority_that_cannot_be_read_is_refused(held: Found) -> None:
    with pytest.raises(Invalid):
        authority({"sensor-tls": held})


def test_patch_sets_the_bundle_of_webhooks_that_have_another_or_none() -> None:
    made = patch(configuration(None, encoded(OTHER), encoded(CA)), CA.cert_pem)
    assert made == {
        "webhooks": [
            {"name": "hook0", "clientConfig": {"caBundle": encoded(CA)}},
            {"name": "hook1", "clientConfig": {"caBundle": encoded(CA)}},
        ]
    }


@pytest.mark.parametrize("body", [{}, {"webhooks": None}, configuration(encoded(CA), encoded(CA))])
def test_patch_is_none_when_nothing_is_wrong(body: dict[str, Any]) -> None:
    assert patch(body, CA.cert_pem) is None
