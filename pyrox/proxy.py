"""Which proxy stands between this process and an address outside the installation.

Read from the proxy configuration that charts mount, else from the environment. Whoever
connects to the outside asks a `ProxyFile` for each address; a file that changes counts
from the next address on. Keys, defaults and texts are upstream's
(`pkg/httputil/proxy/config.go`), the rules of exclusion those of Go's `httpproxy`. It
must not connect.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import yaml

from pyrox import log
from pyrox.errors import Invalid

_LOG = log.get(__name__)
_MAX_FILE = 1 << 20
_SCHEMES = frozenset({"http", "https"})
_PORTS = {"http": 80, "https": 443}
_DEFAULT_EXCLUDES = (
    "openshift.default.svc",
    "*.stackrox",
    "*.stackrox.svc",
    "localhost",
    "localhost.localdomain",
    "127.0.0.0/8",
    "::1",
    "*.local",
)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Addresses that are reached without a proxy."""

    suffix: str = ""
    """A domain that begins with a dot."""
    itself: bool = False
    """Whether the domain without its dot is meant too."""
    network: Network | None = None
    port: int | None = None

    def covers(self, host: str, port: int) -> bool:
        """Whether that host and port are excluded."""
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            address = _address(host)
            return address is not None and address in self.network
        return host.endswith(self.suffix) or (self.itself and host == self.suffix[1:])


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies of both schemes and what they are not for."""

    http: str = ""
    https: str = ""
    excludes: tuple[Exclusion, ...] = ()
    nowhere: bool = False
    """The exclusion `*`: every address is reached without one."""

    def for_url(self, url: str) -> str:
        """The proxy's address with its credentials; empty for none."""
        parts = urlsplit(url)
        proxy = {"http": self.http, "https": self.https}.get(parts.scheme, "")
        host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
        address = _address(host)
        local = host == "localhost" or (address is not None and address.is_loopback)
        if not proxy or self.nowhere or local:
            return ""
        return "" if any(exclusion.covers(host, port) for exclusion in self.excludes) else proxy


def read(text: str, environment: Mapping[str, str], namespace: str = "") -> Proxies:
    """What a configuration says; what it leaves open is the environment's. Raises `Invalid`."""
    try:
        loaded = yaml.safe_load(text) or {}
    except yaml.YAMLError as err:
        raise Invalid(f"not YAML: {' '.join(str(err).split())}") from err
    if not isinstance(loaded, dict):
        raise Invalid("expected a map with url, username, password, http, https and excludes")
    every = _url("default proxy config", loaded)
    http = _url("HTTP proxy config", loaded.get("http") or {}) or every
    https = _url("HTTPS proxy config", loaded.get("https") or {}) or http
    # The environment is only the fallback; there too a more special one comes first.
    fallback = _env(environment, "HTTP_PROXY") or _env(environment, "ALL_PROXY")
    https = https or _env(environment, "HTTPS_PROXY") or fallback
    http = http or fallback
    words = [word.strip() for word in _env(environment, "NO_PROXY").split(",")]
    given = loaded.get("excludes") or []
    if not isinstance(given, list):
        raise Invalid("excludes: expected a list")
    words += [str(word).strip() for word in given]
    if not loaded.get("omitDefaultExcludes", False):
        words += _defaults(environment, namespace)
    excludes = [found for word in words if word and (found := _exclusion(word.lower())) is not None]
    return Proxies(http=http, https=https, excludes=tuple(excludes), nowhere="*" in words)


def _defaults(environment: Mapping[str, str], namespace: str) -> Sequence[str]:
    """Upstream's, the cluster's API, and our own namespace where it is another one."""
    host, port = (environment.get(f"KUBERNETES_SERVICE_{part}", "") for part in ("HOST", "PORT"))
    api = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"] if host and port else []
    own = [f"*.{namespace}", f"*.{namespace}.svc"] if namespace else []
    return [*api, *_DEFAULT_EXCLUDES, *own]


def _env(environment: Mapping[str, str], name: str) -> str:
    return (environment.get(name) or environment.get(name.lower(), "")).strip()


def _url(what: str, section: Any) -> str:
    """The proxy of one section, its credentials inside."""
    if not isinstance(section, dict):
        raise Invalid(f"{what}: expected a map")
    url, username, password = section.get("url") or "", section.get("username") or "", section.get("password")
    if not url:
        if username or password is not None:
            raise Invalid(f"{what}: username/password may only be set if url is set")
        return ""
    url = str(url) if "://" in str(url) else f"http://{url}"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as err:
        raise Invalid(f"{what}: malformed proxy URL: {err}") from err
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise Invalid(f"{what}: malformed proxy URL: expected http://host:port or https://host:port")
    if username and "@" in parts.netloc:
        raise Invalid(f"{what}: username and password must not be set if the URL contains `user[:password]@`")
    if not username:
        if password is not None:
            raise Invalid(f"{what}: password set in config requires a non-empty username")
        return url
    secret = "" if password is None else f":{quote(str(password), safe='')}"
    return parts._replace(netloc=f"{quote(str(username), safe='')}{secret}@{parts.netloc}").geturl()


def _exclusion(word: str) -> Exclusion | None:
    """One exclusion; None for `*`, which is for all, and for what cannot be one."""
    if any(char.isspace() for char in word) or word == "*":
        return None
    try:
        return Exclusion(network=ipaddress.ip_network(word, strict=False))
    except ValueError:
        pass
    try:
        parts = urlsplit(f"//{word}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    address = _address(host)
    if address is not None:
        return Exclusion(network=ipaddress.ip_network(address), port=port)
    host = host.removeprefix("*") if host.startswith("*.") else host
    if not host.strip("."):
        return None
    itself = not host.startswith(".")
    return Exclusion(suffix=f".{host}" if itself else host, itself=itself, port=port)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


class ProxyFile:
    """The configuration at a path, read again whenever it changes."""

    def __init__(self, path: Path | None, environment: Mapping[str, str], namespace: str = "") -> None:
        """Without a path, or without a file there, the environment alone counts."""
        self._path = path
        names = [f"{kind}_PROXY" for kind in ("ALL", "HTTP", "HTTPS", "NO")]
        names += [name.lower() for name in names] + ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"]
        self._environment = {name: environment[name] for name in names if name in environment}
        self._namespace = namespace
        self._seen: tuple[int, int, int] | None = None
        self._known: Proxies | None = None

    def for_url(self, url: str) -> str:
        """The proxy for that address with its credentials; empty for none."""
        seen = self._stamp()
        if self._known is None or seen != self._seen:
            self._seen = seen
            self._known = self._read(present=seen is not None)
        return self._known.for_url(url)

    def _stamp(self) -> tuple[int, int, int] | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self, *, present: bool) -> Proxies:
        """What the file says; what it said before, or the environment, when it is of another form."""
        try:
            text = ""
            if present and self._path is not None:
                with self._path.open(encoding="utf-8", errors="replace") as file:
                    text = file.read(_MAX_FILE)
            made = read(text, self._environment, self._namespace)
        except (Invalid, OSError) as err:
            _LOG.warning("the proxy configuration cannot be used", file=str(self._path), reason=str(err))
            return self._known or _of_environment(self._environment, self._namespace)
        if present:
            _LOG.info("proxy configuration read", file=str(self._path))
        return made


def _of_environment(environment: Mapping[str, str], namespace: str) -> Proxies:
    return read("", environment, namespace)
