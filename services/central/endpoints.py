"""Where Central listens: the usual port, and what operators add by file or environment.

`config.py` reads them, `app.py` makes the listeners. Forms, defaults and texts are
upstream's (`central/endpoints`). It must not open anything but the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pyrox import log
from pyrox.env import Address
from pyrox.errors import Invalid

_LOG = log.get(__name__)
HTTP, GRPC = "http", "grpc"
DEFAULT, SERVICE, USER = "default", "service", "user"
_KEYS = frozenset({"listen", "optional", "protocols", "tls", "name", "servicePort", "allowIngressFrom"})
# Each costs a listener and a TLS context.
_MOST = 32


@dataclass(frozen=True, slots=True)
class Tls:
    """Which certificates a listener shows, and whose it takes."""

    server: tuple[str, ...] = (DEFAULT, SERVICE)
    clients: tuple[str, ...] = (USER, SERVICE)
    required: bool = False
    """Whether a client must show one."""


@dataclass(frozen=True, slots=True)
class Listen:
    """One listener."""

    address: Address
    protocols: frozenset[str] = frozenset({HTTP, GRPC})
    tls: Tls | None = Tls()
    """None for plain text."""
    optional: bool = False
    """Whether Central starts without it when the port is taken."""


def load(usual: Address, path: Path, plain: str, secure: str) -> tuple[Listen, ...]:
    """All listeners: the usual one unless the file disables it, then those of both settings and the file.

    Raises `Invalid` naming the file and the endpoint.
    """
    file = _file(path)
    try:
        found = [] if _flag(file, "disableDefault") else [Listen(usual)]
        found += [_of_text(part, None) for part in plain.split(",") if part.strip()]
        found += [_of_text(part, Tls()) for part in secure.split(",") if part.strip()]
        entries = file.get("endpoints") or []
        if not isinstance(entries, list) or len(entries) > _MOST:
            raise Invalid(f"endpoints: expected a list of at most {_MOST}")
    except Invalid as err:
        raise Invalid(f"{path}: {err.message}" if path.exists() else err.message) from err
    for entry in entries:
        made = _entry(path, entry)
        if made is not None:
            found.append(made)
    return tuple(found)


def _file(path: Path) -> Mapping[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise Invalid(f"{path}: {' '.join(str(err).split())}") from err
    if loaded is None:
        return {}
    if not isinstance(loaded, dict) or loaded.keys() - {"disableDefault", "endpoints"}:
        raise Invalid(f"{path}: expected disableDefault and endpoints, nothing else")
    return loaded


def _of_text(part: str, tls: Tls | None) -> Listen:
    """`[http@|grpc@][addr:]port`."""
    protocol, at, address = part.strip().rpartition("@")
    protocols = _protocols([protocol.strip()]) if at else frozenset({HTTP, GRPC})
    return Listen(Address.parse(address.strip()), protocols, tls)


def _entry(path: Path, entry: Any) -> Listen | None:
    """One endpoint of the file; None for an optional one that cannot be had."""
    listen = entry.get("listen", "") if isinstance(entry, dict) else ""
    optional = isinstance(entry, dict) and entry.get("optional") is True
    try:
        return _listen(entry, optional=optional)
    except Invalid as err:
        if optional:
            _LOG.warning("optional endpoint not opened", endpoint=str(listen), reason=err.message)
            return None
        raise Invalid(
            f'{path}: instantiating required endpoint listening at "{listen}": {err.message}'
        ) from err


def _listen(entry: Any, *, optional: bool) -> Listen:
    if not isinstance(entry, dict):
        raise Invalid("expected a map with listen, protocols and tls")
    unknown = sorted(str(key) for key in entry.keys() - _KEYS)
    if unknown:
        raise Invalid(f"unknown key {unknown[0]!r}")
    protocols = _texts(entry, "protocols")
    return Listen(
        address=Address.parse(str(entry.get("listen") or "")),
        protocols=_protocols(protocols) if protocols else frozenset({HTTP, GRPC}),
        tls=_tls(entry.get("tls")),
        optional=optional,
    )


def _protocols(words: list[str]) -> frozenset[str]:
    for word in words:
        if word.lower() not in {HTTP, GRPC}:
            raise Invalid(f'unknown backend protocol "{word.lower()}"')
    return frozenset(word.lower() for word in words)


def _tls(section: Any) -> Tls | None:
    if section is None:
        return Tls()
    if not isinstance(section, dict) or section.keys() - {"disable", "serverCerts", "clientAuth"}:
        raise Invalid("instantiating TLS configurer: expected disable, serverCerts and clientAuth")
    certs, auth = _texts(section, "serverCerts"), section.get("clientAuth")
    if _flag(section, "disable"):
        if certs or auth is not None:
            raise Invalid(
                "instantiating TLS configurer: "
                "if TLS is disabled, neither server certs nor client auth config must be specified"
            )
        return None
    server = _known(certs, {DEFAULT, SERVICE}, "server certificate setting") or Tls().server
    clients, required = Tls().clients, False
    if auth is not None:
        if not isinstance(auth, dict) or auth.keys() - {"required", "certAuthorities"}:
            raise Invalid("instantiating TLS configurer: clientAuth: expected required and certAuthorities")
        required = _flag(auth, "required")
        if auth.get("certAuthorities") is not None:
            clients = _known(_texts(auth, "certAuthorities"), {USER, SERVICE}, "client CA source")
    if required and not clients:
        raise Invalid(
            "instantiating TLS configurer: client certificate authentication is required, "
            "but no client certificate authorities are configured"
        )
    return Tls(server, clients, required)


def _known(words: list[str], allowed: set[str], what: str) -> tuple[str, ...]:
    for word in words:
        if word.lower() not in allowed:
            raise Invalid(f'instantiating TLS configurer: unknown {what} "{word.lower()}"')
    return tuple(word.lower() for word in words)


def _texts(section: Mapping[str, Any], key: str) -> list[str]:
    found = section.get(key) or []
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise Invalid(f"{key}: expected a list of texts")
    return found


def _flag(section: Mapping[str, Any], key: str) -> bool:
    found = section.get(key) or False
    if not isinstance(found, bool):
        raise Invalid(f"{key}: expected true or false")
    return found
