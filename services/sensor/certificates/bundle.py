"""One set of certificates for the cluster's services, from either message of Central.

`registration.py` and `refresh.py` read Central's answers with it, `secrets.py` stores
it. It must not know streams or Kubernetes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyrox import log
from pyrox.errors import Invalid
from pyrox.mtls.ca import load_certificates, load_key
from pyrox.mtls.identity import service_slug
from pyrox.pb.storage.service_identity_pb2 import ServiceType, TypedServiceCertificateSet

_LOG = log.get(__name__)
SENSOR = "sensor"
# Sensor's own comes last: when it is there, everything before it is.
SERVICES = (
    "collector",
    "admission-control",
    "scanner",
    "scanner-db",
    "scanner-v4-indexer",
    "scanner-v4-db",
    SENSOR,
)
_CA_FILE = "ca-cert.pem"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as PEM."""

    cert: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """The CA and a pair for each service, by the services' slugs."""

    ca: bytes
    pairs: Mapping[str, Pair]

    def data(self, service: str) -> Mapping[str, bytes]:
        """What the service's secret holds."""
        pair = self.pairs[service]
        return {"ca.pem": self.ca, "cert.pem": pair.cert, "key.pem": pair.key}


def of_files(files: Mapping[str, str]) -> Bundle:
    """The bundle of a CentralHello: file names to PEM. Raises `Invalid`."""
    if not files:
        raise Invalid("Central sent no certificates; its log says why it could not issue them")
    slugs = {
        name.removesuffix("-cert.pem") for name in files if name != _CA_FILE and name.endswith("-cert.pem")
    }
    pairs = {
        slug: Pair(files[f"{slug}-cert.pem"].encode(), files.get(f"{slug}-key.pem", "").encode())
        for slug in slugs
    }
    return _checked(files.get(_CA_FILE, "").encode(), pairs)


def of_message(certificates: TypedServiceCertificateSet) -> Bundle:
    """The bundle of an answer to a request for renewal. Raises `Invalid`."""
    pairs = {
        service_slug(_type_name(one.service_type)): Pair(one.cert.cert_pem, one.cert.key_pem)
        for one in certificates.service_certs
    }
    return _checked(certificates.ca_pem, pairs)


def _type_name(number: int) -> str:
    value = ServiceType.DESCRIPTOR.values_by_number.get(number)
    return value.name if value is not None else f"TYPE_{number}_SERVICE"


def _checked(ca: bytes, pairs: Mapping[str, Pair]) -> Bundle:
    """The known services, each with a certificate that belongs to its key."""
    load_certificates(ca)
    for unknown in sorted(set(pairs) - set(SERVICES)):
        _LOG.warning("certificate of an unknown service is left out", service=unknown)
    if SENSOR not in pairs:
        raise Invalid("Central's certificates have none for Sensor")
    for service in SERVICES:
        if service not in pairs:
            continue
        try:
            leaf = load_certificates(pairs[service].cert)[0]
            if load_key(pairs[service].key).public_key() != leaf.public_key():
                raise Invalid("the key does not belong to the certificate")
        except Invalid as err:
            raise Invalid(f"Central's certificate for {service}: {err.message}") from err
    return Bundle(ca, {service: pairs[service] for service in SERVICES if service in pairs})
