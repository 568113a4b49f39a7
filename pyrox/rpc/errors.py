"""The one place where errors become gRPC statuses and HTTP answers.

The gRPC server, the REST gateway, gRPC-Web and custom routes call it at their edges.
Errors that are not of `pyrox.errors` are logged under an id; only the id leaves.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from google.protobuf import json_format
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import status_pb2

from pyrox import log
from pyrox.errors import Internal, RoxError

_LOG = log.get(__name__)

OK = 0
CANCELLED = 1
UNIMPLEMENTED = 12
UNAUTHENTICATED = 16

# grpc-gateway's table (runtime.HTTPStatusFromCode), which upstream uses unchanged.
HTTP_STATUS: Mapping[int, int] = {
    0: 200,
    1: 499,
    2: 500,
    3: 400,
    4: 504,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    13: 500,
    14: 503,
    15: 500,
    16: 401,
}


@dataclass(frozen=True, slots=True)
class Status:
    """How a call ended: a gRPC code number, a text for the caller, and messages that say more."""

    code: int
    message: str = ""
    details: tuple[Message, ...] = ()

    @property
    def http(self) -> int:
        """The HTTP status of the code."""
        return HTTP_STATUS.get(self.code, 500)

    @property
    def body(self) -> dict[str, object]:
        """The JSON error body as values; `message` and `error` are equal."""
        details = [json_format.MessageToDict(one) for one in self.packed]
        return {"code": self.code, "message": self.message, "details": details, "error": self.message}

    @property
    def packed(self) -> list[Any]:
        """The details, each with the name of its type."""
        packed = []
        for one in self.details:
            wrapped = Any()
            wrapped.Pack(one)
            packed.append(wrapped)
        return packed

    @property
    def trailers(self) -> tuple[tuple[str, bytes], ...]:
        """What gRPC carries the details in; nothing without any."""
        if not self.details:
            return ()
        whole = status_pb2.Status(code=self.code, message=self.message, details=self.packed)
        return (("grpc-status-details-bin", whole.SerializeToString()),)

    @property
    def json(self) -> bytes:
        """The JSON error body."""
        return orjson.dumps(self.body)

    @property
    def headers(self) -> dict[str, str]:
        """Headers that the code asks for: 401 says what is missing."""
        return {"www-authenticate": _one_line(self.message)} if self.code == UNAUTHENTICATED else {}


def _new_id() -> str:
    return uuid.uuid4().hex


def status_of(error: BaseException, *, new_id: Callable[[], str] = _new_id) -> Status:
    """The status that the caller sees; an unknown error is logged under the id that it names."""
    if isinstance(error, RoxError):
        details = tuple(one for one in error.details if isinstance(one, Message))
        return Status(error.CODE, error.message, details)
    error_id = new_id()
    _LOG.error("unexpected error", id=error_id, error=repr(error), exc_info=error)
    return Status(Internal.CODE, f"{Internal.SENTINEL}: the server's log has the details under id {error_id}")


def plain_text(status: Status) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of an error on a custom HTTP route: its text and a newline."""
    headers = {"content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff"}
    return status.http, f"{status.message}\n".encode(), headers


def _one_line(text: str) -> str:
    """The text as a header value: one line, Latin-1."""
    return " ".join(text.split()).encode("latin-1", "replace").decode("latin-1")
