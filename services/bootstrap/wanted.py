"""The secrets that bootstrap makes, as data: names and keys that the charts mount.

`config.py` chooses among them, `plan.py` compares them with what exists. Names, keys and
subjects are upstream's (`image/templates/helm/stackrox-central`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pyrox.mtls import identity
from pyrox.mtls.identity import Subject


class Kind(Enum):
    """What a secret holds, by the keys that it must have."""

    AUTHORITY = ("ca.pem", "ca-key.pem", "jwt-key.pem", "cert.pem", "key.pem")
    """The service CA with its key, Central's own certificate, and the key that signs tokens."""
    CERTIFICATE = ("ca.pem", "cert.pem", "key.pem")
    LOGIN = ("htpasswd",)
    PASSWORD = ("password",)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One secret of an installation."""

    name: str
    kind: Kind
    component: str
    """Value of the label app.kubernetes.io/component."""
    group: str = ""
    """The part of the installation that may be left out."""
    subject: Subject | None = None
    """Whose certificate it holds, if any."""

    @property
    def has_certificate(self) -> bool:
        """Whether it holds a certificate of the service CA."""
        return self.subject is not None


_DATABASE, _SCANNER = "central-db", "scanner-v4"

CENTRAL = (
    Wanted("central-tls", Kind.AUTHORITY, "central", subject=identity.CENTRAL),
    Wanted("central-htpasswd", Kind.LOGIN, "central"),
    Wanted("central-db-tls", Kind.CERTIFICATE, "central", _DATABASE, identity.CENTRAL_DB),
    Wanted("central-db-password", Kind.PASSWORD, "central", _DATABASE),
    Wanted("scanner-v4-indexer-tls", Kind.CERTIFICATE, _SCANNER, _SCANNER, identity.SCANNER_V4_INDEXER),
    Wanted("scanner-v4-matcher-tls", Kind.CERTIFICATE, _SCANNER, _SCANNER, identity.SCANNER_V4_MATCHER),
    Wanted("scanner-v4-db-tls", Kind.CERTIFICATE, _SCANNER, _SCANNER, identity.SCANNER_V4_DB),
    Wanted("scanner-v4-db-password", Kind.PASSWORD, _SCANNER, _SCANNER),
)
SECURED = (Wanted("scanner-v4-db-password", Kind.PASSWORD, _SCANNER, _SCANNER),)
