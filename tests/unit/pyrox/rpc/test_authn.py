"""Who a caller is, and what bad credentials mean for open and closed methods."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from cryptography import x509

from pyrox.errors import NoCredentials
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_key
from pyrox.mtls.identity import Subject
from pyrox.mtls.servicecert import make_token
from pyrox.rpc import methods
from pyrox.rpc.authn import AnyService, ServiceAuthenticator, identity_for, service_identity
from pyrox.rpc.call import ANONYMOUS, Identity
from tests.support import echo
from tests.support.pki import SENSOR, FixedClock

CA = CertificateAuthority.create(clock=FixedClock())


@pytest.fixture
def authenticator() -> ServiceAuthenticator:
    return ServiceAuthenticator(trust=ServiceTrust([CA.certificate], FixedClock()))


class Refusing:
    async def identify(self, metadata: Mapping[str, str], certificate: x509.Certificate | None) -> Identity:
        raise NoCredentials("credentials not found: token is revoked")


def echo_method(name: str) -> methods.Method:
    echo.declare()
    return methods.table([echo.Echo()])[f"/{echo.NAME}/{name}"]


async def test_identity_of_a_certificate_is_the_service(authenticator: ServiceAuthenticator) -> None:
    leaf = CA.issue(Subject("SENSOR_SERVICE", "c1", "bundle")).certificate
    identity = await authenticator.identify({}, leaf)
    assert identity.service is not None
    assert (identity.service.type, identity.service.id, identity.service.init_bundle) == (
        "SENSOR_SERVICE",
        "c1",
        "bundle",
    )
    assert not identity.anonymous
    assert identity.grants.role_names() == frozenset()


async def test_identity_of_a_certificate_wins_over_the_token(authenticator: ServiceAuthenticator) -> None:
    leaf = CA.issue(Subject("COLLECTOR_SERVICE", "c1")).certificate
    identity = await authenticator.identify({"authorization": "ServiceCert broken"}, leaf)
    assert identity.service is not None
    assert identity.service.type == "COLLECTOR_SERVICE"


async def test_identity_of_a_token_is_the_service(authenticator: ServiceAuthenticator) -> None:
    issued = CA.issue(SENSOR)
    token = make_token(issued.certificate, load_key(issued.key_pem), FixedClock())
    identity = await authenticator.identify({"authorization": f"ServiceCert {token}"}, None)
    expected = service_identity(Subject(SENSOR.type, SENSOR.id, serial=issued.certificate.serial_number))
    assert (identity.uid, identity.service) == (expected.uid, expected.service)


@pytest.mark.parametrize("header", ["", "Bearer abc", "servicecert abc"])
async def test_identity_without_a_services_credentials_is_nobody(
    header: str, authenticator: ServiceAuthenticator
) -> None:
    assert (await authenticator.identify({"authorization": header}, None)).anonymous


async def test_certificate_of_a_foreign_ca_is_refused(authenticator: ServiceAuthenticator) -> None:
    foreign = CertificateAuthority.create(clock=FixedClock()).issue(SENSOR).certificate
    with pytest.raises(NoCredentials):
        await authenticator.identify({}, foreign)


async def test_open_method_passes_with_bad_credentials() -> None:
    assert await identity_for(echo_method("Open"), Refusing(), {}, None) is ANONYMOUS


async def test_closed_method_tells_what_is_wrong_with_the_credentials() -> None:
    with pytest.raises(NoCredentials, match="token is revoked"):
        await identity_for(echo_method("One"), Refusing(), {}, None)


async def test_unserved_method_needs_no_credentials_to_say_so() -> None:
    assert await identity_for(echo_method("Later"), Refusing(), {}, None) is ANONYMOUS


async def test_debugging_takes_a_caller_without_credentials_for_central(
    authenticator: ServiceAuthenticator,
) -> None:
    identity = await AnyService(authenticator).identify({}, None)
    assert identity.service is not None
    assert (identity.service.type, identity.anonymous) == ("CENTRAL_SERVICE", False)


async def test_debugging_leaves_a_certificates_service_and_bad_credentials_as_they_are(
    authenticator: ServiceAuthenticator,
) -> None:
    known = AnyService(authenticator)
    leaf = CA.issue(SENSOR).certificate
    assert (await known.identify({}, leaf)).uid == (await authenticator.identify({}, leaf)).uid
    with pytest.raises(NoCredentials):
        await known.identify({"authorization": "ServiceCert broken"}, None)
