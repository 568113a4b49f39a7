"""From metadata and client certificate to an `Identity`.

Each server receives one `Authenticator`; gRPC, REST and gRPC-Web ask it through
`identity_for`, which lets open methods pass whatever the credentials are. It must not
know any transport.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cryptography import x509

from pyrox.errors import NoCredentials, RoxError
from pyrox.mtls.ca import ServiceTrust
from pyrox.mtls.identity import Subject
from pyrox.mtls.servicecert import verify_token
from pyrox.rpc.call import ANONYMOUS, Identity, ServiceIdentity
from pyrox.rpc.methods import Method

SERVICE_CERT_SCHEME = "ServiceCert "


class Authenticator(Protocol):
    """Says who makes a request."""

    async def identify(self, metadata: Mapping[str, str], certificate: x509.Certificate | None) -> Identity:
        """The caller; `ANONYMOUS` when it brought no credentials.

        `certificate` is the client's leaf, verified by TLS against the CAs that the
        server trusts. Raises `NoCredentials` when credentials were given and are bad.
        """


async def identity_for(
    method: Method,
    authenticator: Authenticator,
    metadata: Mapping[str, str],
    certificate: x509.Certificate | None,
) -> Identity:
    """The caller of this method, whose rule decides what bad credentials mean.

    A method that nobody needs credentials for passes as `ANONYMOUS` even with bad ones;
    on any other the authenticator's own `NoCredentials` is raised.
    """
    if method.function is None:
        return ANONYMOUS
    try:
        return await authenticator.identify(metadata, certificate)
    except NoCredentials as refusal:
        try:
            method.rule.check(ANONYMOUS)
        except RoxError:
            raise refusal from None
        return ANONYMOUS


def service_identity(subject: Subject) -> Identity:
    """The identity of a service whose certificate was verified."""
    service = ServiceIdentity(type=subject.type, id=subject.id, init_bundle=subject.init_bundle)
    name = subject.common_name
    return Identity(uid=f"mtls:{subject.serial}", name=name, friendly_name=name, service=service)


class ServiceAuthenticator:
    """Knows services only: by client certificate, else by `ServiceCert` token."""

    def __init__(self, *, trust: ServiceTrust) -> None:
        self._trust = trust

    async def identify(self, metadata: Mapping[str, str], certificate: x509.Certificate | None) -> Identity:
        """The service that calls, or `ANONYMOUS`."""
        if certificate is not None:
            return service_identity(self._trust.subject_of(certificate))
        return self.from_token(metadata.get("authorization", ""))

    def from_token(self, authorization: str) -> Identity:
        """The service of a `ServiceCert` header; `ANONYMOUS` for another scheme. Raises `NoCredentials`."""
        if not authorization.startswith(SERVICE_CERT_SCHEME):
            return ANONYMOUS
        token = authorization.removeprefix(SERVICE_CERT_SCHEME)
        return service_identity(verify_token(token, self._trust))


class AnyService:
    """Takes callers without a certificate for Central, for debugging.

    The scanner's processes use it when the operator switches it on with
    `ROX_SCANNER_V4_ALLOW_ANONYMOUS_AUTH`.
    """

    def __init__(self, known: Authenticator) -> None:
        self._known = known

    async def identify(self, metadata: Mapping[str, str], certificate: x509.Certificate | None) -> Identity:
        """The service of the certificate, else Central's identity."""
        identity = await self._known.identify(metadata, certificate)
        if not identity.anonymous:
            return identity
        return Identity(
            uid="anonymous", name="anonymous", service=ServiceIdentity("CENTRAL_SERVICE", "anonymous")
        )
