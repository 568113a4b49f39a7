"""The OpenAPI 2 document of the REST API, from the same descriptors that serve it.

Central's routes `/api/docs/swagger` and `/api/docs/v2/swagger` send it. Names of
operations and definitions follow protoc-gen-openapiv2, so that clients generated from
upstream's document and from ours look alike. It must not know who may call what.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from pyrox.rpc.codec.encode import is_map, submessage
from pyrox.rpc.httprule import Route, routes
from pyrox.rpc.methods import Method

Json = dict[str, Any]

_STATUS = "googlerpcStatus"
_ANY = "protobufAny"
_TEXT: Json = {"type": "string"}
_INT32: Json = {"type": "integer", "format": "int32"}
_UINT32: Json = {"type": "integer", "format": "int64"}
_INT64: Json = {"type": "string", "format": "int64"}
_UINT64: Json = {"type": "string", "format": "uint64"}
_SCALARS: Mapping[int, Json] = {
    FieldDescriptor.TYPE_STRING: _TEXT,
    FieldDescriptor.TYPE_BYTES: {"type": "string", "format": "byte"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
}
_WELL_KNOWN: Mapping[str, Json] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": _TEXT,
    "google.protobuf.FieldMask": _TEXT,
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Any": {"$ref": f"#/definitions/{_ANY}"},
}
# Query parameters of fields of fields: deeper ones exist in no request of the API.
_DEEPEST_PARAMETER = 6


def document(methods: Iterable[Method], *, prefix: str, title: str, version: str) -> Json:
    """The document of all bindings whose path begins with `prefix`."""
    chosen = [route for route in routes(methods) if route.template.startswith(prefix)]
    names = _Names(_messages_of(chosen))
    paths: dict[str, Json] = defaultdict(dict)
    for route in chosen:
        paths[route.template][route.verb.lower()] = _operation(route, names)
    return {
        "swagger": "2.0",
        "info": {"title": title, "version": version},
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": {path: paths[path] for path in sorted(paths)},
        "definitions": {**_fixed_definitions(), **names.definitions()},
    }


def _messages_of(chosen: Iterable[Route]) -> Iterator[Descriptor]:
    for route in chosen:
        yield route.method.descriptor.input_type
        yield route.method.descriptor.output_type


class _Names:
    """Short unique names for every message and enum that can be reached."""

    def __init__(self, roots: Iterable[Descriptor]) -> None:
        self._types: dict[str, Descriptor | EnumDescriptor] = {}
        waiting: list[Descriptor | EnumDescriptor] = list(roots)
        while waiting:
            found = waiting.pop()
            if found.full_name in self._types or found.full_name in _WELL_KNOWN:
                continue
            self._types[found.full_name] = found
            if isinstance(found, Descriptor):
                waiting.extend(
                    filter(None, (field.message_type or field.enum_type for field in found.fields))
                )
        self._short = _shortened(self._types)

    def reference(self, full_name: str) -> Json:
        """The reference to a message or an enum."""
        if full_name in _WELL_KNOWN:
            return _WELL_KNOWN[full_name]
        return {"$ref": f"#/definitions/{self._short[full_name]}"}

    def definitions(self) -> Json:
        """All definitions by name, sorted."""
        found = {
            self._short[name]: self._definition(kind)
            for name, kind in self._types.items()
            if not (isinstance(kind, Descriptor) and kind.GetOptions().map_entry)
        }
        return {name: found[name] for name in sorted(found)}

    def _definition(self, kind: Descriptor | EnumDescriptor) -> Json:
        if not isinstance(kind, Descriptor):
            return _enum(kind)
        properties = {field.json_name: self.schema(field) for field in kind.fields}
        return {"type": "object", "properties": properties} if properties else {"type": "object"}

    def schema(self, field: FieldDescriptor) -> Json:
        """The schema of a field."""
        if is_map(field):
            return {
                "type": "object",
                "additionalProperties": self.single(submessage(field).fields_by_name["value"]),
            }
        if field.is_repeated:
            return {"type": "array", "items": self.single(field)}
        return self.single(field)

    def single(self, field: FieldDescriptor) -> Json:
        """The schema of one value of the field."""
        kind = field.message_type or field.enum_type
        return _SCALARS[field.type] if kind is None else self.reference(kind.full_name)


def _shortened(full_names: Iterable[str]) -> dict[str, str]:
    """The last two parts of each name joined, and more of it where two would be equal."""
    depth = dict.fromkeys(full_names, 2)
    while True:
        short = {name: "".join(name.split(".")[-parts:]) for name, parts in depth.items()}
        users: dict[str, list[str]] = defaultdict(list)
        for name, text in short.items():
            users[text].append(name)
        clashes = [name for names in users.values() if len(names) > 1 for name in names]
        longer = [name for name in clashes if depth[name] < len(name.split("."))]
        if not longer:
            return short
        for name in longer:
            depth[name] += 1


def _operation(route: Route, names: _Names) -> Json:
    descriptor = route.method.descriptor
    service = descriptor.containing_service.name
    parameters = list(_parameters(route, names))
    operation: Json = {
        "operationId": f"{service}_{descriptor.name}",
        "responses": {
            "200": {"description": "The answer.", "schema": _answer(route, names)},
            "default": {"description": "An error.", "schema": {"$ref": f"#/definitions/{_STATUS}"}},
        },
    }
    if parameters:
        operation["parameters"] = parameters
    operation["tags"] = [service]
    return operation


def _answer(route: Route, names: _Names) -> Json:
    schema = names.reference(route.method.descriptor.output_type.full_name)
    if not route.method.server_streaming:
        return schema
    return {
        "type": "object",
        "description": "One line of the stream.",
        "properties": {"result": schema, "error": {"$ref": f"#/definitions/{_STATUS}"}},
    }


def _parameters(route: Route, names: _Names) -> Iterator[Json]:
    request = route.method.descriptor.input_type
    for path in route.variables:
        field = _field_at(request, path)
        yield {"name": path, "in": "path", "required": True, **names.single(field)}
    if route.body:
        target = request if route.body == "*" else submessage(request.fields_by_name[route.body])
        yield {"name": "body", "in": "body", "required": True, "schema": names.reference(target.full_name)}
    if route.body != "*":
        yield from _query_parameters(request, "", {*route.variables, route.body}, 0)


def _field_at(message: Descriptor, path: str) -> FieldDescriptor:
    *parents, last = path.split(".")
    for name in parents:
        message = submessage(message.fields_by_name[name])
    return message.fields_by_name[last]


def _query_parameters(message: Descriptor, prefix: str, taken: set[str], depth: int) -> Iterator[Json]:
    """The scalar fields, those of inner messages with dotted names."""
    for field in message.fields:
        path, shown = f"{prefix}{field.name}", f"{prefix}{field.json_name}"
        if path in taken or is_map(field) or depth > _DEEPEST_PARAMETER:
            continue
        inner = field.message_type
        if inner is None or inner.full_name in _WELL_KNOWN:
            yield {"name": shown, "in": "query", "required": False, **_inline(field)}
        elif not field.is_repeated:
            yield from _query_parameters(inner, f"{shown}.", taken, depth + 1)


def _inline(field: FieldDescriptor) -> Json:
    """Parameters cannot refer to definitions."""
    if field.enum_type is not None:
        schema = _enum(field.enum_type)
    elif field.message_type is not None:
        schema = {"type": "string", **_WELL_KNOWN[field.message_type.full_name]}
    else:
        schema = dict(_SCALARS[field.type])
    if not field.is_repeated:
        return schema
    return {"type": "array", "items": schema, "collectionFormat": "multi"}


def _enum(kind: EnumDescriptor) -> Json:
    names = [value.name for value in kind.values]
    return {"type": "string", "enum": names, "default": names[0]}


def _fixed_definitions() -> Json:
    details = {"type": "array", "items": {"$ref": f"#/definitions/{_ANY}"}}
    return {
        _STATUS: {
            "type": "object",
            "properties": {"code": _INT32, "message": _TEXT, "details": details, "error": _TEXT},
        },
        _ANY: {"type": "object", "properties": {"@type": _TEXT}, "additionalProperties": {}},
    }
