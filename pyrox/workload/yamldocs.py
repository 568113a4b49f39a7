"""YAML text with any number of documents to Kubernetes objects, within bounds.

Central's check of deployment files calls it, and roxctl's tests of it. Error texts are
those that upstream's client library gives. It must not read files or fetch anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from pyrox.errors import Invalid
from pyrox.workload import objects
from pyrox.workload.objects import Object

MAX_BYTES = 10 * 1024 * 1024
MAX_DOCUMENTS = 2_000
_MAX_NODES = 500_000
_MAX_DEPTH = 100
_TYPE_META = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)
_LIST = "List"
_GO_NAMES: dict[type, str] = {str: "string", bool: "bool", int: "number", float: "number", list: "array"}


@dataclass(frozen=True, slots=True)
class YamlObjects:
    """What a text held."""

    known: tuple[Object, ...]
    ignored: tuple[str, ...]
    """Descriptions of objects that no Kubernetes API of ours defines (custom resources)."""


class _Loader(yaml.CSafeLoader):
    """Safe YAML whose times stay text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the library's own form
        first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def parse(text: str) -> YamlObjects:
    """All objects of the text, members of a List included.

    Raises `Invalid` with `could not parse yaml: …` when a document is no object.
    """
    if len(text) > MAX_BYTES:
        raise Invalid(f"could not parse yaml: the text is longer than {MAX_BYTES} bytes")
    known: list[Object] = []
    ignored: list[str] = []
    for document in _documents(text):
        for item in _members(document):
            if _is_ours(item):
                known.append(item)
            else:
                ignored.append(_description(item))
    return YamlObjects(tuple(known), tuple(ignored))


def _documents(text: str) -> Iterator[Object]:
    try:
        _check_events(text)
        for value in yaml.load_all(text, Loader=_Loader):
            if value is None:
                continue
            if not isinstance(value, Mapping):
                kind = _GO_NAMES.get(type(value), "string")
                raise Invalid(
                    "could not parse yaml: couldn't get version/kind; json parse error: "
                    f"json: cannot unmarshal {kind} into Go value of type {_TYPE_META}"
                )
            _expanded_size(value, {})
            yield value
    except (yaml.YAMLError, ValueError) as error:
        detail = str(error).replace("\n", " ")[:500]
        raise Invalid(f"could not parse yaml: error converting YAML to JSON: yaml: {detail}") from error


def _check_events(text: str) -> None:
    """Refuse, before anything is built, what has too many documents, nodes or levels."""
    documents = depth = 0
    for nodes, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if documents > MAX_DOCUMENTS or nodes > _MAX_NODES or depth > _MAX_DEPTH:
            raise _too_much()


def _expanded_size(value: object, sizes: dict[int, int]) -> int:
    """The number of nodes with every alias counted in full; refuses too many and cycles."""
    if not isinstance(value, Mapping | list):
        return 1
    known = sizes.get(id(value))
    if known is not None:
        return known
    # While a node is being counted it weighs more than is allowed, so that a cycle ends.
    sizes[id(value)] = _MAX_NODES + 1
    items = value.values() if isinstance(value, Mapping) else value
    total = 1 + sum(_expanded_size(item, sizes) for item in items)
    if total > _MAX_NODES:
        raise _too_much()
    sizes[id(value)] = total
    return total


def _too_much() -> Invalid:
    return Invalid(
        f"could not parse yaml: more than {MAX_DOCUMENTS} documents, {_MAX_NODES} nodes "
        f"or {_MAX_DEPTH} levels; split the file"
    )


def _members(document: Object) -> Iterator[Object]:
    if objects.text(document, "kind") != _LIST or objects.text(document, "apiVersion") != "v1":
        yield document
        return
    yield from objects.children(document, "items")


def _is_ours(item: Object) -> bool:
    if not objects.text(item, "kind"):
        raise Invalid(f"could not parse yaml: Object 'Kind' is missing in '{_short(item)}'")
    if not objects.text(item, "apiVersion"):
        raise Invalid(f"could not parse yaml: Object 'apiVersion' is missing in '{_short(item)}'")
    group = objects.text(item, "apiVersion").rpartition("/")[0]
    # Built-in groups have no dot or end in k8s.io; OpenShift's are known to upstream too.
    return "." not in group or group.endswith((".k8s.io", ".openshift.io")) or group == "openshift.io"


def _short(item: Object) -> str:
    return str(dict(item))[:200]


def _description(item: Object) -> str:
    """The form `namespace/name[apiVersion, Kind=kind]` in which Central lists what it skipped."""
    namespace = objects.namespace(item) or "default"
    version, kind = objects.text(item, "apiVersion"), objects.text(item, "kind")
    return f"{namespace}/{objects.name(item)}[{version}, Kind={kind}]"
