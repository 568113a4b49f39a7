"""Who logs in: password, token file, token, or the login that `central login` stored.

Used by `app.py` when a connection is made. Order and refusals are upstream's
(roxctl/common/environment).
"""

from __future__ import annotations

import base64
from pathlib import Path

from roxctl.errors import CliError, InvalidArguments, quoted
from roxctl.settings import Values

# An API token is a JWT of a few KiB; a file larger than this is something else.
_MAX_TOKEN_BYTES = 1 << 20
_BOTH = "cannot use basic and token-based authentication at the same time"


def authorization(values: Values) -> str | None:
    """The `authorization` header from flags and environment; None to use a stored login.

    Raises `CliError` when two kinds of credentials are given, or a file cannot be read.
    """
    if values.given("password") and values.given("token_file"):
        raise InvalidArguments(_BOTH)
    if values.given("password"):
        return basic(values.text("password", ""))
    if values.given("token_file"):
        return bearer(_read(values.text("token_file", "")))
    password = values.text("password", "ROX_ADMIN_PASSWORD")
    file, token = values.text("token_file", "ROX_API_TOKEN_FILE"), values.text("", "ROX_API_TOKEN")
    if password and (file or token):
        raise InvalidArguments(_BOTH)
    if password:
        return basic(password)
    if file:
        return bearer(_read(file))
    return bearer(token.strip()) if token else None


def basic(password: str) -> str:
    """The header for the administrator; the name is always `admin`."""
    return "Basic " + base64.b64encode(f"admin:{password}".encode()).decode("ascii")


def bearer(token: str) -> str:
    """The header for a token. Raises `CliError` when it could not be a header."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise CliError("could not retrieve API token: the token has characters that no token has")
    return f"Bearer {token}"


def _read(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            content = file.read(_MAX_TOKEN_BYTES + 1)
    except OSError as err:
        reason = f"could not read token from {quoted(name)}: {err.strerror or err}"
        raise CliError(f"could not retrieve API token: {reason}") from err
    token = content.decode("utf-8", "replace").strip()
    if not token or len(content) > _MAX_TOKEN_BYTES:
        what = "is too large" if token else "is empty"
        raise CliError(f"could not retrieve API token: the file {quoted(name)} {what}; put one token into it")
    return token
