"""The flags that every command takes; `settings.py` and `auth.py` read them."""

from __future__ import annotations

from typing import Any

import click

from roxctl.app import App
from roxctl.cli import Switch

_TEXTS = (
    (("-e", "--endpoint"), "Central's address, host:port or http(s)://host[:port] (ROX_ENDPOINT)."),
    (("-s", "--server-name"), "Name to ask for and to expect in the certificate (ROX_SERVER_NAME)."),
    (("-p", "--password"), "Password of the user admin (ROX_ADMIN_PASSWORD)."),
    (("--token-file",), "File with an API token (ROX_API_TOKEN_FILE; the token itself: ROX_API_TOKEN)."),
    (("--ca",), "File with a CA certificate to trust besides the system's (ROX_CA_CERT_FILE)."),
)
_SWITCHES = (
    (
        "--insecure-skip-tls-verify",
        "Do not check Central's certificate (ROX_INSECURE_CLIENT_SKIP_TLS_VERIFY).",
    ),
    ("--insecure", "Allow connections without encryption (ROX_INSECURE_CLIENT)."),
    ("--plaintext", "Connect without TLS; needs --insecure (ROX_PLAINTEXT)."),
    ("--direct-grpc", "gRPC over HTTP/2 also without TLS (ROX_DIRECT_GRPC_CLIENT)."),
    ("--force-http1", "HTTP/1.1 for all connections (ROX_CLIENT_FORCE_HTTP1)."),
    ("--use-current-k8s-context", "Reach Central through the current Kubernetes context."),
    ("--no-color", "No colors (ROX_NO_COLOR)."),
)


def global_options() -> list[click.Option]:
    """New option objects for one command."""
    texts = [
        click.Option(list(names), default=None, expose_value=False, callback=_store, help=about)
        for names, about in _TEXTS
    ]
    switches = [Switch([name], expose_value=False, callback=_store, help=about) for name, about in _SWITCHES]
    return [*texts, *switches]


def _store(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Keep a flag that was given; a later one on the line wins."""
    app = ctx.find_object(App)
    given = ctx.get_parameter_source(param.name or "") is click.core.ParameterSource.COMMANDLINE
    if app is not None and given and param.name is not None:
        app.flags[param.name] = value
    return value
