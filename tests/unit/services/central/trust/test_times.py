"""When certificates end: the scanner part that ends first counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_key
from pyrox.mtls.challenge import ServiceChain
from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER, SCANNER_V4_MATCHER
from services.central.trust.material import Material
from services.central.trust.times import InstallationTimes
from tests.support.pki import FixedClock

CLOCK = FixedClock()
CA = CertificateAuthority.create(clock=CLOCK)
SHOWN: dict[str, x509.Certificate | None] = {
    "indexer:8443": CA.issue(SCANNER_V4_INDEXER, lifetime=timedelta(days=10)).certificate,
    "matcher:8443": CA.issue(SCANNER_V4_MATCHER, lifetime=timedelta(days=5)).certificate,
    "away:8443": None,
}


def times(*endpoints: str) -> InstallationTimes:
    async def look(endpoint: str) -> x509.Certificate | None:
        return SHOWN[endpoint]

    issued = CA.issue(CENTRAL, lifetime=timedelta(days=30))
    chain = ServiceChain(issued.certificate, CA.certificate, load_key(issued.key_pem))
    material = Material(CA, chain, ServiceTrust([CA.certificate], CLOCK))
    return InstallationTimes(material=material, scanner_endpoints=endpoints, look=look)


def test_central_ends_with_its_own_certificate() -> None:
    assert times().central() == CLOCK.now() + timedelta(days=30)


@pytest.mark.parametrize(
    ("endpoints", "days"),
    [
        (("indexer:8443",), 10),
        (("indexer:8443", "matcher:8443"), 5),
        (("away:8443", "indexer:8443"), 10),
        (("away:8443",), None),
        ((), None),
    ],
)
async def test_scanner_ends_with_the_part_that_ends_first(
    endpoints: tuple[str, ...], days: int | None
) -> None:
    expected = None if days is None else CLOCK.now() + timedelta(days=days)
    assert await times(*endpoints).scanner_v4() == expected


async def test_database_shows_no_certificate() -> None:
    assert await times().central_db() is None
