"""The certificates that Central hands to a Sensor for all services of its cluster.

Part of every CentralHello, and of the answer to a refresh request.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyrox.mtls.ca import CertificateAuthority
from pyrox.mtls.identity import Subject, service_slug
from pyrox.pb.storage.service_identity_pb2 import ServiceType, TypedServiceCertificateSet

CA_FILE = "ca-cert.pem"
SECURED_CLUSTER_SERVICES = (
    "SENSOR_SERVICE",
    "COLLECTOR_SERVICE",
    "ADMISSION_CONTROL_SERVICE",
    "SCANNER_SERVICE",
    "SCANNER_DB_SERVICE",
    "SCANNER_V4_INDEXER_SERVICE",
    "SCANNER_V4_DB_SERVICE",
)


def bundle(ca: CertificateAuthority, cluster_id: str, namespace: str) -> Mapping[str, str]:
    """File names to PEM: the CA, and a new certificate with key for each service."""
    files = {CA_FILE: ca.cert_pem.decode()}
    for service in SECURED_CLUSTER_SERVICES:
        issued = ca.issue(Subject(service, cluster_id), namespace=namespace)
        slug = service_slug(service)
        files[f"{slug}-cert.pem"] = issued.cert_pem.decode()
        files[f"{slug}-key.pem"] = issued.key_pem.decode()
    return files


def typed_set(ca: CertificateAuthority, cluster_id: str, namespace: str) -> TypedServiceCertificateSet:
    """The same as a message, for refresh requests."""
    made = TypedServiceCertificateSet(ca_pem=ca.cert_pem)
    for service in SECURED_CLUSTER_SERVICES:
        issued = ca.issue(Subject(service, cluster_id), namespace=namespace)
        added = made.service_certs.add(service_type=ServiceType.Value(service))
        added.cert.cert_pem, added.cert.key_pem = issued.cert_pem, issued.key_pem
    return made
