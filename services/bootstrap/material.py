"""The contents of new secrets: CA, certificates, the token key, passwords.

`app.py` calls it for each secret that the plan wants made. It must not know Kubernetes.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import bcrypt
from cryptography.hazmat.primitives.asymmetric import rsa

from pyrox.errors import Internal, Invalid
from pyrox.mtls.ca import CertificateAuthority, IssuedCertificate, key_pem
from pyrox.mtls.identity import Subject, service_slug
from services.bootstrap.wanted import Kind, Wanted

Pick = Callable[[Sequence[str]], str]
"""Chooses one at random, as `secrets.choice`."""

ADMIN = "admin"
_ALPHABET = string.ascii_letters + string.digits
_PASSWORD_LENGTH = 32  # upstream's chart: randAlphaNum 32
_LONGEST = 72  # bytes; what bcrypt takes
_RSA_BITS = 4096  # upstream's chart: genPrivateKey "rsa"


def make(
    wanted: Wanted,
    ca: Callable[[], CertificateAuthority],
    *,
    namespace: str,
    pick: Pick,
    admin: bytes = b"",
) -> Mapping[str, bytes]:
    """Everything that a new secret of this kind holds; `ca` is called where one is needed.

    `admin` is the password that the user chose for the login; one is drawn without it.
    """
    match wanted.kind:
        case Kind.PASSWORD:
            return {"password": password(pick)}
        case Kind.LOGIN:
            return login(admin or password(pick))
        case Kind.CERTIFICATE:
            return certificate(ca(), wanted, namespace=namespace)
        case Kind.AUTHORITY:
            authority = ca()
            own = {"ca-key.pem": authority.key_pem, "jwt-key.pem": token_key()}
            return own | dict(certificate(authority, wanted, namespace=namespace))


def certificate(ca: CertificateAuthority, wanted: Wanted, *, namespace: str) -> Mapping[str, bytes]:
    """A new certificate for the secret's holder, with its key and the CA."""
    issued = leaf(ca, wanted, namespace=namespace)
    return {"ca.pem": ca.cert_pem, "cert.pem": issued.cert_pem, "key.pem": issued.key_pem}


def leaf(ca: CertificateAuthority, wanted: Wanted, *, namespace: str) -> IssuedCertificate:
    """A certificate with the names by which the service is reached in the cluster."""
    if wanted.subject is None:
        raise Internal(f"secret {wanted.name} holds no certificate")
    return ca.issue(wanted.subject, namespace=namespace, extra_names=_full_names(wanted.subject, namespace))


def login(plain: bytes) -> Mapping[str, bytes]:
    """The htpasswd file of `admin`; the password itself lies beside it, as upstream's operator does."""
    hashed = bcrypt.hashpw(plain, bcrypt.gensalt())
    return {"htpasswd": ADMIN.encode() + b":" + hashed + b"\n", "password": plain}


def chosen_password(path: Path) -> bytes:
    """The password in a file, without the newline at its end. Raises `Invalid` for one that is of no use."""
    try:
        with path.open("rb") as file:
            plain = file.read(_LONGEST + 3).rstrip(b"\r\n")
    except OSError as err:
        raise Invalid(f"{path}: {err.strerror}") from err
    if not plain or len(plain) > _LONGEST or b"\0" in plain:
        raise Invalid(f"{path}: a password of admin has 1 to {_LONGEST} bytes, none of them zero")
    return plain


def password(pick: Pick) -> bytes:
    """32 letters and digits."""
    return "".join(pick(_ALPHABET) for _ in range(_PASSWORD_LENGTH)).encode()


def token_key() -> bytes:
    """The RSA key that signs tokens."""
    return key_pem(rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS))


def _full_names(subject: Subject, namespace: str) -> Sequence[str]:
    """The names with the cluster's usual domain, which upstream's chart adds."""
    slug = service_slug(subject.type)
    return [f"{slug}.{place}.svc.cluster.local" for place in dict.fromkeys(("stackrox", namespace))]
