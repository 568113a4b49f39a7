"""Answers of custom routes that upstream words by hand: JSON errors and downloads.

Used by the routes of this folder whose errors are no plain text (`pkg/httputil/error.go`).
"""

from __future__ import annotations

import orjson
from fastapi.responses import PlainTextResponse, Response

from pyrox.errors import RoxError
from pyrox.rpc.errors import status_of

UNKNOWN = 2
"""The gRPC code of errors that upstream made from an HTTP status alone."""
EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Routes that answer a wrong method in their own words are registered for all of them."""


def json_error(
    status: int, message: str, *, code: int = UNKNOWN, media_type: str = "text/plain; charset=utf-8"
) -> Response:
    """`{"code":..,"message":..}`; a handler that names no type leaves Go to call it plain text."""
    return Response(
        orjson.dumps({"code": code, "message": message}), status_code=status, media_type=media_type
    )


def json_refusal(error: RoxError) -> Response:
    """The same for an error of ours."""
    status = status_of(error)
    return json_error(status.http, status.message, code=status.code)


def text_error(status: int, text: str) -> Response:
    """Go's `http.Error`: a line of plain text."""
    headers = {"x-content-type-options": "nosniff"}
    return PlainTextResponse(f"{text}\n", status_code=status, headers=headers)


def download(content: bytes, name: str) -> Response:
    """A text file for the browser to save."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/plain; charset=utf-8", headers=headers)
