"""Answers of an API server that are no success, as errors of ours.

Raised by `pyrox.k8s.client`; callers decide by class. It must not know any kind.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from pyrox.errors import AlreadyExists, Internal, Invalid, NotAuthorized, NotFound, RoxError, Unavailable

_MAX_TEXT = 1000


class Gone(RoxError):
    """The resource version or the continue token is too old; list again (HTTP 410)."""

    CODE = 9
    SENTINEL = "resource version is too old"


class Conflict(RoxError):
    """Another writer was first; read again (HTTP 409)."""

    CODE = 10
    SENTINEL = "object was changed meanwhile"


_CLASSES: dict[int, type[RoxError]] = {
    400: Invalid,
    401: NotAuthorized,
    403: NotAuthorized,
    404: NotFound,
    405: Invalid,
    409: Conflict,
    410: Gone,
    413: Invalid,
    422: Invalid,
    429: Unavailable,
}
_SERVER_ERRORS = 500


def error_of(status: int, path: str, body: bytes) -> RoxError:
    """The error for an HTTP status, with the API server's own message."""
    detail = f"Kubernetes API {path}: HTTP {status}: {_message(body)}"
    if status == 409 and b"AlreadyExists" in body:
        return AlreadyExists(detail)
    if status >= _SERVER_ERRORS:
        return Unavailable(detail)
    return _CLASSES.get(status, Internal)(detail)


def _message(body: bytes) -> str:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    if isinstance(parsed, Mapping) and isinstance(parsed.get("message"), str):
        return str(parsed["message"])[:_MAX_TEXT]
    return body[:_MAX_TEXT].decode("utf-8", "replace")
