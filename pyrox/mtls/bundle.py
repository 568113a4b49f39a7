"""What a new secured cluster is given: init bundles, registration secrets, the CA alone.

Central's cluster-init service and `services.local` make them; Sensor reads a
registration secret with `read_crs`. Pure functions from a CA to text; it must not know
where they are stored or who may have them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyrox.errors import Invalid
from pyrox.mtls.ca import CertificateAuthority, IssuedCertificate, Profile
from pyrox.mtls.identity import WILDCARD_ID, Subject, service_slug

# Chart key and service type, in the order of the charts' documents.
_BUNDLED = {
    "sensor": "SENSOR_SERVICE",
    "collector": "COLLECTOR_SERVICE",
    "admissionControl": "ADMISSION_CONTROL_SERVICE",
}
_INIT_PREFIX = "init-bundle.stackrox.io"
_CRS_PREFIX = "crs.platform.stackrox.io"
_CRS_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Label:
    """Which bundle this is."""

    id: str
    name: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class InitBundle:
    """The same three certificates in both forms."""

    label: Label
    helm_values: bytes
    kubectl: bytes


@dataclass(frozen=True, slots=True)
class Registration:
    """A cluster registration secret."""

    label: Label
    manifest: bytes
    """The Kubernetes Secret as YAML."""


@dataclass(frozen=True, slots=True)
class Crs:
    """What Sensor finds in a registration secret."""

    authorities: tuple[str, ...]
    cert_pem: str
    key_pem: str


def init_bundle(
    ca: CertificateAuthority,
    *,
    bundle_id: str,
    name: str,
    created_at: datetime,
    identifier: str = WILDCARD_ID,
    lifetime: timedelta = Profile.DEFAULT.value,
) -> InitBundle:
    """A bundle whose certificates carry its id, for whichever cluster installs it."""
    issued = {
        key: ca.issue(Subject(service_type, identifier, bundle_id), lifetime=lifetime)
        for key, service_type in _BUNDLED.items()
    }
    label = Label(bundle_id, name, created_at, _expiry(issued))
    return InitBundle(label, _helm_values(ca, issued, label), _kubectl(ca, issued, label))


def ca_config(ca_pem: bytes) -> bytes:
    """Helm values with the CA alone, for clusters whose certificates exist already."""
    lines = [
        "# The CA of this Central, as values for the chart of the secured cluster services.",
        "# It suffices where the cluster already holds its service certificates.",
        *_block("ca", {"cert": ca_pem.decode()}),
    ]
    return _text(lines)


def registration(
    ca: CertificateAuthority,
    *,
    crs_id: str,
    name: str,
    created_at: datetime,
    lifetime: timedelta = Profile.REGISTRATION.value,
) -> Registration:
    """A secret with which one or more clusters register and get their own certificates."""
    issued = ca.issue(Subject("REGISTRANT_SERVICE", WILDCARD_ID, crs_id), lifetime=lifetime)
    label = Label(crs_id, name, created_at, issued.certificate.not_valid_after_utc)
    payload = base64.b64encode(crs_payload(ca.cert_pem, issued)).decode()
    lines = [
        *_secret_head("cluster-registration-secret", _CRS_PREFIX, label),
        "data:",
        f"  crs: {payload}",
    ]
    return Registration(label, _text(lines))


def crs_payload(ca_pem: bytes, issued: IssuedCertificate) -> bytes:
    """The file that Sensor mounts: base64 of a small JSON document."""
    document = {
        "version": 1,
        "CAs": [ca_pem.decode()],
        "cert": issued.cert_pem.decode(),
        "key": issued.key_pem.decode(),
    }
    return base64.b64encode(json.dumps(document, separators=(",", ":")).encode())


def read_crs(payload: bytes) -> Crs:
    """The content of a mounted registration secret. Raises `Invalid`."""
    if len(payload) > _CRS_LIMIT:
        raise Invalid("the cluster registration secret is larger than a megabyte")
    try:
        document = json.loads(base64.b64decode(payload.strip(), validate=True))
        if document["version"] != 1:
            raise Invalid(f"the cluster registration secret has version {document['version']!r}; 1 is known")
        authorities = tuple(str(pem) for pem in document["CAs"])
        crs = Crs(authorities, str(document["cert"]), str(document["key"]))
    except (binascii.Error, ValueError, KeyError, TypeError) as err:
        raise Invalid(f"the cluster registration secret cannot be read: {err}") from err
    if not authorities:
        raise Invalid("the cluster registration secret names no CA")
    return crs


def _expiry(issued: Mapping[str, IssuedCertificate]) -> datetime:
    return min(one.certificate.not_valid_after_utc for one in issued.values())


def _helm_values(ca: CertificateAuthority, issued: Mapping[str, IssuedCertificate], label: Label) -> bytes:
    lines = [
        "# Values for the chart of the secured cluster services. Keep them secret: who holds",
        "# these keys can connect a cluster to Central.",
        f"#  init bundle: {_quoted(label.name)}",
        f"#  id: {label.id}",
        f"#  expires: {_stamp(label.expires_at)}",
        *_block("ca", {"cert": ca.cert_pem.decode()}),
    ]
    for key, one in issued.items():
        lines.append(f"{key}:")
        pair = {"cert": one.cert_pem.decode(), "key": one.key_pem.decode()}
        lines += [f"  {line}" for line in _block("serviceTLS", pair)]
    return _text(lines)


def _kubectl(ca: CertificateAuthority, issued: Mapping[str, IssuedCertificate], label: Label) -> bytes:
    lines: list[str] = []
    for key, one in issued.items():
        slug = service_slug(_BUNDLED[key])
        data = {
            "ca.pem": ca.cert_pem.decode(),
            f"{slug}-cert.pem": one.cert_pem.decode(),
            f"{slug}-key.pem": one.key_pem.decode(),
        }
        lines += [
            *(["---"] if lines else []),
            *_secret_head(f"{slug}-tls", _INIT_PREFIX, label),
            *_block("stringData", data),
        ]
    return _text(lines)


def _secret_head(name: str, prefix: str, label: Label) -> list[str]:
    return [
        "apiVersion: v1",
        "kind: Secret",
        "metadata:",
        "  annotations:",
        f"    {prefix}/created-at: {_quoted(_stamp(label.created_at))}",
        f"    {prefix}/expires-at: {_quoted(_stamp(label.expires_at))}",
        f"    {prefix}/id: {_quoted(label.id)}",
        f"    {prefix}/name: {_quoted(label.name)}",
        f"  name: {name}",
        "type: Opaque",
    ]


def _block(key: str, texts: Mapping[str, str]) -> list[str]:
    """A YAML mapping of literal texts, each with its final newline."""
    lines = [f"{key}:"]
    for name, text in texts.items():
        lines.append(f"  {name}: |")
        lines += [f"    {line}" for line in text.splitlines()]
    return lines


def _quoted(text: str) -> str:
    """A JSON string, which every YAML reader takes as it stands."""
    return json.dumps(text)


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _text(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
