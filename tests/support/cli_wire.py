"""A Central at the end of a wire that a test holds: commands run whole, nothing is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import Message

from roxctl.errors import CliError
from roxctl.rest import HttpAnswer, Rest
from roxctl.transport import Metadata
from tests.support.cli import Run, roxctl

Answer = Message | CliError


class Wire:
    """Answers by method; the last answer of a method stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.calls: list[tuple[str, bytes]] = []
        self.metadata: list[dict[str, str]] = []
        self.limits: list[float] = []
        self.http: list[tuple[str, str, bytes, Mapping[str, str]]] = []
        self.http_answers: list[tuple[int, HttpAnswer] | Exception] = []
        self.http_headers: list[Mapping[str, str]] = []
        self.closed = 0

    def answer(self, method: str, *answers: Answer) -> None:
        """What the method gives, in turn."""
        self.answers[method] = list(answers)

    def asked(self, method: str, kind: Callable[[], Message]) -> list[Any]:
        """The requests of the method."""
        made = []
        for path, raw in self.calls:
            if path.endswith(f"/{method}"):
                request = kind()
                request.ParseFromString(raw)
                made.append(request)
        return made

    @property
    def methods(self) -> list[str]:
        """What was called, in order."""
        return [path.rpartition("/")[2] for path, _ in self.calls]

    def unary(self, path: str, request: bytes, metadata: Metadata, seconds: float) -> bytes:
        self.calls.append((path, request))
        self.metadata.append(dict(metadata))
        self.limits.append(seconds)
        known = self.answers[path.rpartition("/")[2]]
        found = known.pop(0) if len(known) > 1 else known[0]
        if isinstance(found, CliError):
            raise found
        return found.SerializeToString()

    def close(self) -> None:
        self.closed += 1

    def once(
        self, rest: Rest, verb: str, path: str, _: float, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, HttpAnswer]:
        self.http.append((verb, path, body, headers))
        self.http_headers.append(rest._headers)
        found = self.http_answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def run(self, *arguments: str, answers: str = "", **environment: str) -> Run:
        """One command line as administrator."""
        return roxctl(*arguments, environment={"ROX_ADMIN_PASSWORD": "pw", **environment}, answers=answers)
