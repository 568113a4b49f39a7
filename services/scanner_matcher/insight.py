"""What upstream's API has no message for, as JSON over HTTPS on the port of the gRPC API.

Coverage, explanations, scans as of a date, the images that an advisory hits, and VEX
documents. The callers are those of the gRPC API: Central, by its certificate. Contents
are given in protobuf's JSON form, or taken from the Indexer by `hash_id`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from google.protobuf import json_format

from pyrox.errors import Exhausted, Invalid, NotFound, RoxError
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.rpc.asgi import AsgiApp, Receive, Scope, Send
from pyrox.rpc.authn import Authenticator
from pyrox.rpc.authz import Services
from pyrox.rpc.errors import status_of
from pyrox.rpc.peers import peer_of
from pyrox.scan import naming
from services.scanner_matcher.documents import Documents
from services.scanner_matcher.images import MAX_AFFECTED, Affected, Images
from services.scanner_matcher.query import Query
from services.scanner_matcher.reports import Made, Reports
from services.scanner_matcher.validate import check_hash_id

ROOT: Final = "/pyrox/v1/"
# What the gRPC port takes as well.
_MAX_BODY: Final = 24 * 1024 * 1024
_CENTRAL: Final = Services.of("CENTRAL_SERVICE")
_Answer = Mapping[str, object]


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of every question; unknown keys are an error, so that a slip of the pen is seen."""

    hash_id: str = ""
    contents: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b""))
    as_of: str = ""
    package: str = ""
    vulnerability: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """What answers the questions."""

    reports: Reports
    query: Query
    images: Images
    documents: Documents


class Insight:
    """The routes and their answers."""

    def __init__(self, *, parts: Parts, authenticator: Authenticator) -> None:
        self._parts = parts
        self._authenticator = authenticator
        self._routes: Mapping[tuple[str, str], Callable[[_Request], Awaitable[_Answer]]] = {
            ("POST", "scan"): self._scan,
            ("POST", "explain"): self._explain,
            ("POST", "affected"): self._affected,
            ("GET", "vex"): self._vex_list,
            ("POST", "vex"): self._vex_add,
            ("DELETE", "vex"): self._vex_delete,
        }

    def app(self) -> AsgiApp:
        """The ASGI app."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            try:
                code, answer = 200, await self._answer(scope, receive)
            except RoxError as error:
                status = status_of(error)
                code, answer = status.http, status.body
            body = msgspec.json.encode(answer)
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
            ]
            await send({"type": "http.response.start", "status": code, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return app

    async def _answer(self, scope: Scope, receive: Receive) -> _Answer:
        identity = await self._authenticator.identify({}, peer_of(scope).certificate)
        _CENTRAL.check(identity)
        path: str = scope["path"]
        route = self._routes.get((scope["method"], path.removeprefix(ROOT)))
        if route is None or not path.startswith(ROOT):
            known = ", ".join(f"{method} {ROOT}{name}" for method, name in self._routes)
            raise NotFound(f"{scope['method']} {path[:100]} is not served here; there are {known}")
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        return await route(_Request(await _body(receive), {name: found[0] for name, found in query.items()}))

    async def _scan(self, request: _Request) -> _Answer:
        asked = request.asked()
        made = await self._parts.reports.of(
            _image(asked), _contents(asked), as_of=_moment(asked.as_of) if asked.as_of else None
        )
        return {
            "report": json_format.MessageToDict(made.report, preserving_proto_field_name=True),
            "coverage": _coverage(made, self._parts.query),
            "overruled": _overruled(made),
            "as_of": asked.as_of,
            "sources_not_known_then": list(made.answer.unknown_sources),
        }

    async def _explain(self, request: _Request) -> _Answer:
        asked = request.asked()
        found = await self._parts.reports.explain(
            _image(asked), _contents(asked), asked.package, asked.vulnerability
        )
        return {"explanations": [msgspec.to_builtins(item) for item in found]}

    async def _affected(self, request: _Request) -> _Answer:
        vulnerability = request.asked().vulnerability
        if not vulnerability:
            raise Invalid("vulnerability is missing: the id of an advisory, such as CVE-2026-0001")
        found = await self._parts.images.affected(vulnerability)
        return {
            "vulnerability": vulnerability,
            "complete": len(found) < MAX_AFFECTED,
            "affected": [_affected(item) for item in found],
        }

    async def _vex_list(self, _: _Request) -> _Answer:
        return {"documents": [msgspec.to_builtins(item) for item in await self._parts.documents.listed()]}

    async def _vex_add(self, request: _Request) -> _Answer:
        document = await self._parts.documents.add(request.body)
        return {"id": document.id, "statements": len(document.statements)}

    async def _vex_delete(self, request: _Request) -> _Answer:
        if not request.query.get("id"):
            raise Invalid("the parameter id is missing: the @id of a document")
        await self._parts.documents.delete(request.query["id"])
        return {}


@dataclass(frozen=True, slots=True)
class _Request:
    body: bytes
    query: Mapping[str, str]

    def asked(self) -> _Asked:
        try:
            return _ASKED.decode(self.body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Invalid(f"the body is no question: {error}"[:300]) from error


_ASKED: Final = msgspec.json.Decoder(_Asked)


async def _body(receive: Receive) -> bytes:
    found = bytearray()
    more = True
    while more:
        event = await receive()
        found += event.get("body", b"")
        more = event.get("more_body", False)
        if len(found) > _MAX_BODY:
            raise Exhausted(f"the body is longer than {_MAX_BODY} bytes")
    return bytes(found)


def _image(asked: _Asked) -> str:
    """The image's id, which may be missing where contents are given."""
    if asked.hash_id or not bytes(asked.contents):
        check_hash_id(asked.hash_id)
    return asked.hash_id


def _contents(asked: _Asked) -> Contents | None:
    raw = bytes(asked.contents)
    if raw in {b"", b"null"}:
        return None
    try:
        return json_format.Parse(raw, Contents(), max_recursion_depth=20)
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"contents: {error}"[:300]) from error


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"as_of {text[:50]!r} is no time; write it as 2026-11-24T12:00:00Z") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _coverage(made: Made, query: Query) -> dict[str, Any]:
    found = query.coverage(made.subject, made.answer)
    return {"complete": found.complete, **msgspec.to_builtins(found)}


def _overruled(made: Made) -> list[dict[str, str]]:
    """The hits that a VEX statement ended, each with the statement."""
    packages = made.subject.report.packages
    return [
        {
            "package_id": hit.package_id,
            "package": packages[hit.package_id].name,
            "vulnerability": naming.shown_name(hit.advisory),
            "reason": hit.reason,
        }
        for hit in made.answer.hits
        if hit.reason
    ]


def _affected(found: Affected) -> dict[str, str]:
    return {
        "hash_id": found.hash_id,
        "package": found.lookup.package,
        "kind": str(found.lookup.kind),
        "version": found.lookup.version,
        "namespace": found.lookup.namespace,
        "fixed_in": found.hit.row.fixed_in,
        "advisory": naming.shown_name(found.hit.advisory),
        "source": found.hit.advisory.source,
        "reason": found.hit.reason,
    }
