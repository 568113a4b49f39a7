"""What a service certificate says: its subject, its host names, and how to read them.

The CA writes subjects, every server reads them, clients learn the name to ask a server
for. It must not know which identity may do what.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from pyrox.errors import Invalid
from pyrox.pb.storage import service_identity_pb2

NAMESPACE = "stackrox"
# Identifiers that stand for "whichever cluster installs this" (upstream pkg/centralsensor/init_cert.go):
# the first in bundles that a user made, the second in those that the operator makes for three hours.
WILDCARD_ID = "00000000-0000-0000-0000-000000000000"
EPHEMERAL_WILDCARD_ID = "00000000-0000-0000-0000-000000000001"


@dataclass(frozen=True, slots=True)
class Subject:
    """The holder of a service certificate."""

    type: str
    """A name of `storage.ServiceType`."""
    id: str
    """Cluster id, or the fixed name of a central service."""
    init_bundle: str = ""
    """Id of the init bundle or CRS, else empty."""
    serial: int = 0
    """Serial number of the certificate; 0 before it is issued."""

    @property
    def common_name(self) -> str:
        """`TYPE: id`."""
        return f"{self.type}: {self.id}"

    @property
    def hostname(self) -> str:
        """The name that clients ask for when an address gives none: `central.stackrox`."""
        return f"{service_slug(self.type)}.{NAMESPACE}"

    def hostnames(self, namespace: str = NAMESPACE) -> tuple[str, ...]:
        """All DNS names of the certificate: of the usual namespace, then of another one."""
        names = _hostnames(self.type, NAMESPACE)
        return names if namespace in {"", NAMESPACE} else names + _hostnames(self.type, namespace)

    def name(self, serial: int) -> x509.Name:
        """The X.509 subject, attributes in the order that Go's encoder writes."""
        parts = [(NameOID.ORGANIZATION_NAME, self.init_bundle)] if self.init_bundle else []
        parts += [
            (NameOID.ORGANIZATIONAL_UNIT_NAME, self.type),
            (NameOID.COMMON_NAME, self.common_name),
            (NameOID.SERIAL_NUMBER, str(serial)),
        ]
        return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


CENTRAL = Subject("CENTRAL_SERVICE", "Central")
CENTRAL_DB = Subject("CENTRAL_DB_SERVICE", "Central DB")
SCANNER_V4 = Subject("SCANNER_V4_SERVICE", "Scanner V4")
SCANNER_V4_INDEXER = Subject("SCANNER_V4_INDEXER_SERVICE", "Scanner V4 Indexer")
SCANNER_V4_MATCHER = Subject("SCANNER_V4_MATCHER_SERVICE", "Scanner V4 Matcher")
SCANNER_V4_DB = Subject("SCANNER_V4_DB_SERVICE", "Scanner V4 DB")


def service_slug(service_type: str) -> str:
    """The Kubernetes service of a type: `ADMISSION_CONTROL_SERVICE` is `admission-control`."""
    return service_type.rpartition("_")[0].lower().replace("_", "-")


def subject_of(certificate: x509.Certificate) -> Subject:
    """The subject that a certificate names; its trust must be checked elsewhere.

    Raises `Invalid` when the common name is not of the form `TYPE: id`.
    """
    common_name = _first(certificate.subject, NameOID.COMMON_NAME)
    service_type, separator, identifier = common_name.partition(": ")
    if not separator or service_type not in service_identity_pb2.ServiceType.DESCRIPTOR.values_by_name:
        raise Invalid(f"certificate subject {common_name!r} does not name a service")
    return Subject(
        type=service_type,
        id=identifier,
        init_bundle=_first(certificate.subject, NameOID.ORGANIZATION_NAME),
        serial=certificate.serial_number,
    )


def _hostnames(service_type: str, namespace: str) -> tuple[str, ...]:
    slug = service_slug(service_type)
    names: tuple[str, ...] = (f"{slug}.{namespace}", f"{slug}.{namespace}.svc")
    if service_type == "SENSOR_SERVICE":
        # The API server calls Sensor's webhook port by this second service name.
        names += (f"sensor-webhook.{namespace}.svc",)
    return names


def _first(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    for attribute in name.get_attributes_for_oid(oid):
        return str(attribute.value)
    return ""
