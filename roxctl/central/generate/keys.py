"""Certificates and keys that `central generate` is given: the user's own, or a backup's.

Without a backup no key is made here: the chart's bootstrap Job makes them in the cluster.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from roxctl.errors import CliError, quoted

# Upstream's pkg/backup; Central's own backups have the same names.
_CA, _CA_KEY, _JWT_PEM, _JWT_DER = "keys/ca.pem", "keys/ca-key.pem", "keys/jwt-key.pem", "keys/jwt-key.der"
_PASSWORD = "central-db/password"  # noqa: S105 - a file name
_MAX_BYTES = 1 << 20
_VALIDATING = "validating TLS certificate and key pair"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as PEM."""

    cert: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a backup holds of the installation that it is of."""

    ca: Pair
    central: Pair
    jwt_key: str = field(repr=False)
    database_password: str = field(repr=False)
    """Empty when the backup does not hold it."""


def pair(cert: str, key: str) -> Pair | None:
    """The files of `--default-tls-cert` and `--default-tls-key`. Raises `CliError`."""
    if not cert and not key:
        return None
    texts = _file(cert, "--default-tls-cert"), _file(key, "--default-tls-key")
    problem = _mismatch(*texts)
    if problem:
        raise CliError(f"{_VALIDATING}: {problem}")
    return Pair(texts[0].decode(), texts[1].decode())


def restored(path: Path) -> Restored:
    """CA and keys of a backup, with a new certificate for Central. Raises `CliError`."""
    from pyrox.clock import SystemClock  # noqa: PLC0415 - asyncio and cryptography are slow to import
    from pyrox.errors import RoxError  # noqa: PLC0415 - as above
    from pyrox.mtls.ca import CertificateAuthority  # noqa: PLC0415 - as above
    from pyrox.mtls.identity import CENTRAL  # noqa: PLC0415 - as above

    files = _members(path)
    missing = [name for name in (_CA, _CA_KEY) if name not in files]
    if missing:
        raise CliError(f"{path}: the backup does not hold {missing[0]}")
    try:
        authority = CertificateAuthority.load(files[_CA], files[_CA_KEY], clock=SystemClock())
    except RoxError as err:
        raise CliError(f"{path}: {err}") from err
    issued = authority.issue(CENTRAL)
    return Restored(
        ca=Pair(files[_CA].decode("ascii", "replace"), files[_CA_KEY].decode("ascii", "replace")),
        central=Pair(issued.cert_pem.decode(), issued.key_pem.decode()),
        jwt_key=_jwt_key(path, files),
        database_password=files.get(_PASSWORD, b"").decode("utf-8", "replace").strip(),
    )


def _members(path: Path) -> dict[str, bytes]:
    wanted = (_CA, _CA_KEY, _JWT_PEM, _JWT_DER, _PASSWORD)
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in set(wanted) & set(archive.namelist()):
                with archive.open(name) as member:
                    found[name] = member.read(_MAX_BYTES + 1)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as err:
        raise CliError(f"could not read the backup bundle {quoted(str(path))}: {err}") from err
    for name, content in found.items():
        if len(content) > _MAX_BYTES:
            raise CliError(f"{path}: {name} is larger than a megabyte; this is no backup of Central")
    return found


def _jwt_key(path: Path, files: dict[str, bytes]) -> str:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - slow to import
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_der_private_key,
        load_pem_private_key,
    )

    try:
        if _JWT_DER in files:
            key = load_der_private_key(files[_JWT_DER], None)
        elif _JWT_PEM in files:
            key = load_pem_private_key(files[_JWT_PEM], None)
        else:
            raise CliError("cannot find jwt key in backup bundle.")
    except (ValueError, TypeError) as err:
        raise CliError(f"{path}: the key that signs tokens cannot be read: {err}") from err
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def _file(name: str, flag: str) -> bytes:
    if not name:
        return b""
    try:
        with Path(name).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as err:
        reason = (err.strerror or str(err)).lower()
        told = f'invalid argument {quoted(name)} for "{flag}" flag: open {name}: {reason}'
        raise CliError(told) from err
    if len(content) > _MAX_BYTES:
        raise CliError(f'invalid argument {quoted(name)} for "{flag}" flag: larger than a megabyte')
    return content


def _mismatch(cert: bytes, key: bytes) -> str:
    """Why the two do not belong together, in the words of Go's `tls.X509KeyPair`; empty when they do."""
    from cryptography import x509  # noqa: PLC0415 - slow to import
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as above

    if b"-----BEGIN CERTIFICATE-----" not in cert:
        return "tls: failed to find any PEM data in certificate input"
    if b"PRIVATE KEY-----" not in key:
        return "tls: failed to find any PEM data in key input"
    try:
        certificate = x509.load_pem_x509_certificates(cert)[0]
        private = load_pem_private_key(key, None)
        belongs = certificate.public_key() == private.public_key()
        cert.decode(), key.decode()
    except (ValueError, TypeError) as err:
        return f"tls: {err}"
    return "" if belongs else "tls: private key does not match public key"
