"""Where Central is and how to talk to it: flags first, then the environment, then defaults.

`globals.py` declares the flags, `app.py` asks for the settings once a command needs
them. Names and rules are upstream's (roxctl/common/flags, pkg/env/roxctl.go).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pyrox.env import boolean
from roxctl.errors import BadOption, CliError, InvalidArguments, quoted

DEFAULT_ENDPOINT = "localhost:8443"
# The name in every certificate of Central, asked for when the endpoint is an IP address.
SERVICE_NAME = "central.stackrox"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about the connection except who logs in."""

    host: str
    port: int
    plaintext: bool = False
    server_name: str = SERVICE_NAME
    ca_file: str = ""
    skip_verify: bool = False
    direct_grpc: bool = False
    force_http1: bool = False
    insecure: bool = False
    proxied: bool = False
    """An HTTP proxy stands between, which only HTTP/1.1 is sure to pass."""

    @property
    def endpoint(self) -> str:
        """`host:port`, as stored logins are keyed."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address for HTTP."""
        return f"{'http' if self.plaintext else 'https'}://{self.endpoint}"


class Values:
    """Looks a setting up: the flag when it was given, else the environment."""

    def __init__(self, flags: Mapping[str, object], environment: Mapping[str, str]) -> None:
        self._flags = flags
        self._environment = environment

    def given(self, flag: str) -> bool:
        """Whether the flag itself was used."""
        return flag in self._flags

    def text(self, flag: str, variable: str, default: str = "") -> str:
        """A text setting."""
        if flag in self._flags:
            return str(self._flags[flag])
        return self._environment.get(variable, "") or default

    def switch(self, flag: str, variable: str) -> bool:
        """A yes or no. Raises `InvalidArguments` when the variable is neither."""
        if flag in self._flags:
            return bool(self._flags[flag])
        raw = self._environment.get(variable, "")
        if not raw:
            return False
        try:
            return boolean(raw)
        except ValueError:
            raise InvalidArguments(f"{variable}={raw!r}: set it to true or false") from None


def read(values: Values) -> Settings:
    """The settings. Raises `CliError` when they contradict each other."""
    if values.switch("use_current_k8s_context", "ROX_USE_KUBECONTEXT"):
        raise BadOption(
            "this client does not forward ports itself; run `kubectl port-forward service/central 8443:443` "
            "and give --endpoint localhost:8443 instead of --use-current-k8s-context"
        )
    endpoint = values.text("endpoint", "ROX_ENDPOINT", DEFAULT_ENDPOINT)
    plaintext = values.switch("plaintext", "ROX_PLAINTEXT")
    if "://" in endpoint:
        host, port, plaintext = _from_url(endpoint, values, plaintext)
    else:
        host, port = _host_and_port(endpoint)
    settings = Settings(
        host=host,
        port=port,
        plaintext=plaintext,
        server_name=values.text("server_name", "ROX_SERVER_NAME") or _name_of(host),
        ca_file=values.text("ca", "ROX_CA_CERT_FILE"),
        skip_verify=values.switch("insecure_skip_tls_verify", "ROX_INSECURE_CLIENT_SKIP_TLS_VERIFY"),
        direct_grpc=values.switch("direct_grpc", "ROX_DIRECT_GRPC_CLIENT"),
        force_http1=values.switch("force_http1", "ROX_CLIENT_FORCE_HTTP1"),
        insecure=values.switch("insecure", "ROX_INSECURE_CLIENT"),
    )
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    if settings.plaintext and not settings.insecure:
        raise InvalidArguments("plaintext connection mode must be used in conjunction with --insecure")
    if settings.force_http1 and settings.direct_grpc:
        raise BadOption("cannot force HTTP/1 mode when direct gRPC is enabled")


def _from_url(endpoint: str, values: Values, plaintext: bool) -> tuple[str, int, bool]:
    try:
        url = urlsplit(endpoint)
        port = url.port
    except ValueError as err:
        raise CliError(f"malformed endpoint URL: {err}") from err
    if url.path not in {"", "/"}:
        raise InvalidArguments("endpoint URL must not include a path component")
    if url.scheme not in {"http", "https"}:
        raise InvalidArguments(
            f"invalid scheme {quoted(url.scheme)} in endpoint URL, "
            "the scheme should be: http(s)://<endpoint>:<port>"
        )
    wanted = url.scheme == "http"
    if (values.given("plaintext") or plaintext) and plaintext != wanted:
        shown = "true" if plaintext else "false"
        raise InvalidArguments(
            f"endpoint URL scheme {quoted(url.scheme)} is incompatible with --plaintext={shown} setting"
        )
    return url.hostname or "", port or (80 if wanted else 443), wanted


def _host_and_port(endpoint: str) -> tuple[str, int]:
    host, colon, port = endpoint.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InvalidArguments(
            f"invalid endpoint {quoted(endpoint)}: give host:port, or http(s)://host[:port]"
        )
    return host.strip("[]"), int(port)


def _name_of(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return SERVICE_NAME
