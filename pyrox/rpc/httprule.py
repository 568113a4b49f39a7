"""Routes from the `google.api.http` annotations of the methods that a server offers.

`gateway.py` asks it which method a request names, `openapi.py` lists the routes. The
order is grpc-gateway's: of several patterns that match, the one declared last wins
(so `GET /v1/collections/selectors` is a collection with that id, as upstream answers).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from google.api import annotations_pb2

from pyrox.rpc.methods import Method

_VERBS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True, slots=True)
class Route:
    """One HTTP binding of a method."""

    verb: str
    """In capitals."""
    template: str
    method: Method
    body: str
    """`*`, the name of a field, or empty when the request has no body."""
    segments: tuple[str, ...]
    """The parts of the path; a variable shows as its field path in braces."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Field paths that the URL's path fills."""
        return tuple(part[1:-1] for part in self.segments if part.startswith("{"))

    def match(self, parts: list[str]) -> dict[str, str] | None:
        """The variables when the parts fit, else None."""
        found: dict[str, str] = {}
        for pattern, part in zip(self.segments, parts, strict=True):
            if pattern.startswith("{"):
                found[pattern[1:-1]] = part
            elif pattern != part:
                return None
        return found


def routes(methods: Iterable[Method]) -> Iterator[Route]:
    """All HTTP bindings, in the order of declaration.

    Raises `ValueError` for a template with wildcards inside variables, which upstream's
    API does not use.
    """
    for method in methods:
        options = method.descriptor.GetOptions()
        if not options.HasExtension(annotations_pb2.http):
            continue
        rule = options.Extensions[annotations_pb2.http]
        for binding in (rule, *rule.additional_bindings):
            verb = binding.WhichOneof("pattern")
            if verb not in _VERBS:
                raise ValueError(f"{method.path}: unsupported HTTP binding {verb!r}")
            yield _route(method, verb.upper(), getattr(binding, verb), binding.body)


def _route(method: Method, verb: str, template: str, body: str) -> Route:
    segments = tuple(template.removeprefix("/").split("/"))
    for part in segments:
        if "*" in part or "=" in part or part.startswith("{") != part.endswith("}"):
            raise ValueError(f"{method.path}: unsupported path template {template!r}")
    return Route(verb=verb, template=template, method=method, body=body, segments=segments)


class Router:
    """Finds the route of a request."""

    def __init__(self, methods: Mapping[str, Method]) -> None:
        self._by_shape: dict[tuple[str, int, str], list[Route]] = defaultdict(list)
        self.routes = tuple(routes(methods.values()))
        for route in reversed(self.routes):
            for key in _shape(route.verb, route.segments):
                self._by_shape[key].append(route)

    def find(self, verb: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and the variables of its path, or None."""
        parts = path.removeprefix("/").split("/")
        # Every path of the API starts with a version and a literal collection name.
        for route in self._by_shape.get((verb, len(parts), parts[1] if len(parts) > 1 else ""), ()):
            variables = route.match(parts)
            if variables is not None:
                return route, variables
        return None

    def other_verb(self, verb: str, path: str) -> bool:
        """Whether the path is served under another verb."""
        others = (other.upper() for other in _VERBS if other.upper() != verb)
        return any(self.find(other, path) is not None for other in others)


def _shape(verb: str, segments: tuple[str, ...]) -> Iterator[tuple[str, int, str]]:
    second = segments[1] if len(segments) > 1 else ""
    if second.startswith("{"):
        raise ValueError(f"a variable as the second part of {segments} is not supported")
    yield verb, len(segments), second
