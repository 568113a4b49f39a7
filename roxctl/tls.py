"""Which server certificates to trust, and by which name.

The pool is the system's roots plus `--ca`. A certificate is checked by the endpoint's
name; when that fails, Central's own service certificate passes by its own name,
`central.stackrox`, so that `--ca <service ca.pem>` works for every address
(upstream pkg/clientconn/service_cert_fallback_verifier.go).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roxctl.errors import CallFailed, CliError, quoted
from roxctl.settings import SERVICE_NAME, Settings

_COMMON_NAME = "CENTRAL_SERVICE: Central"
_UNIT = "CENTRAL_SERVICE"
# OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH.
_WRONG_NAME = frozenset({62, 64})
_ALPN = ("h2", "http/1.1")
_DEBIAN_ROOTS = "/etc/ssl/certs/ca-certificates.crt"


def pool(settings: Settings) -> bytes:
    """The trusted roots as PEM. Raises `CliError` when `--ca` cannot be read."""
    paths = ssl.get_default_verify_paths()
    found = (Path(name) for name in (paths.cafile, paths.openssl_cafile, _DEBIAN_ROOTS) if name)
    system = next((path.read_bytes() for path in found if path.is_file()), b"")
    if not settings.ca_file:
        return system
    try:
        extra = Path(settings.ca_file).read_bytes()
    except OSError as err:
        raise CliError(f"could not read CA file {quoted(settings.ca_file)}: {err.strerror or err}") from err
    if b"BEGIN CERTIFICATE" not in extra:
        raise CliError(f"the CA file {quoted(settings.ca_file)} holds no certificate in PEM form")
    return system + b"\n" + extra


def context(settings: Settings, roots: bytes) -> ssl.SSLContext:
    """The context for HTTP and for the first look at the server."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if settings.skip_verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
        return made
    if not roots.strip():
        return made
    try:
        made.load_verify_locations(cadata=roots.decode("ascii", "replace"))
    except ssl.SSLError as err:
        raise CliError(f"could not read the trusted certificates: {err}; check --ca") from err
    return made


def trusted_name(settings: Settings, made: ssl.SSLContext, seconds: float) -> str:
    """The name by which the server's certificate is to be checked.

    Opens one connection without sending anything, as upstream does, unless a proxy
    stands between. Raises `CliError` when the certificate is not trusted, `CallFailed`
    when nobody answers.
    """
    if settings.skip_verify or settings.proxied:
        return settings.server_name
    try:
        _certificate(settings, made, settings.server_name, seconds)
    except ssl.SSLCertVerificationError as refusal:
        if refusal.verify_code in _WRONG_NAME and _is_central(settings, made, seconds):
            return SERVICE_NAME
        raise _untrusted(refusal) from refusal
    return settings.server_name


def _is_central(settings: Settings, made: ssl.SSLContext, seconds: float) -> bool:
    try:
        certificate = _certificate(settings, made, SERVICE_NAME, seconds)
    except ssl.SSLCertVerificationError:
        return False
    names = [pair for part in certificate.get("subject", ()) for pair in part]
    units = [value for key, value in names if key == "organizationalUnitName"]
    return ("commonName", _COMMON_NAME) in names or units == [_UNIT]


def _certificate(settings: Settings, made: ssl.SSLContext, name: str, seconds: float) -> Mapping[str, Any]:
    made.set_alpn_protocols(list(_ALPN))
    try:
        with (
            socket.create_connection((settings.host, settings.port), timeout=seconds) as plain,
            made.wrap_socket(plain, server_hostname=name) as secured,
        ):
            return secured.getpeercert() or {}
    except ssl.SSLCertVerificationError:
        raise
    except OSError as err:
        reason = f"dial tcp {settings.endpoint}: {err.strerror or err}"
        raise CallFailed("Unavailable", f'connection error: desc = "transport: {reason}"') from err


def _untrusted(refusal: ssl.SSLCertVerificationError) -> CliError:
    advice = "give its CA with --ca, or the name in it with --server-name"
    return CliError(f"tls: failed to verify certificate: x509: {refusal.verify_message}; {advice}")
