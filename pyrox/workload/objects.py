"""Reading of Kubernetes objects as decoded JSON, without trusting their shape.

Every other module of this package reads objects through these functions: a field of
another type than the API defines counts as absent, so that no object from a webhook or
a YAML file can end a conversion half-way. It must not know any kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NewType

from google.protobuf.timestamp_pb2 import Timestamp

Object = Mapping[str, object]
Uid = NewType("Uid", str)

EMPTY: Object = {}
# Go's zero time, which upstream sends for times that Kubernetes does not give.
_ZERO_TIME_SECONDS = -62_135_596_800
# The API server refuses objects above 1.5 MiB (etcd); no list in one is longer than this.
MAX_ITEMS = 10_000


def child(value: Object, *path: str) -> Object:
    """The object at the path, or an empty one."""
    current: Object = value
    for key in path:
        found = current.get(key)
        if not isinstance(found, Mapping):
            return EMPTY
        current = found
    return current


def optional_child(value: Object, key: str) -> Object | None:
    """The object under the key, or None when there is none."""
    found = value.get(key)
    return found if isinstance(found, Mapping) else None


def children(value: Object, key: str) -> Iterator[Object]:
    """The objects of the list under the key."""
    found = value.get(key)
    if isinstance(found, list):
        for item in found[:MAX_ITEMS]:
            if isinstance(item, Mapping):
                yield item


def text(value: Object, key: str, default: str = "") -> str:
    """The text under the key; a broken surrogate is replaced, since protobuf refuses it."""
    found = value.get(key)
    return clean(found) if isinstance(found, str) else default


def clean(value: str) -> str:
    """The text as valid UTF-8."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def texts(value: Object, key: str) -> list[str]:
    """The texts of the list under the key."""
    found = value.get(key)
    return (
        [clean(item) for item in found[:MAX_ITEMS] if isinstance(item, str)]
        if isinstance(found, list)
        else []
    )


def flag(value: Object, key: str, *, default: bool = False) -> bool:
    """The boolean under the key."""
    found = value.get(key)
    return found if isinstance(found, bool) else default


def number(value: Object, key: str, *, bits: int = 32) -> int:
    """The whole number under the key, 0 when absent or out of range."""
    found = value.get(key)
    if not isinstance(found, int) or isinstance(found, bool):
        return 0
    limit = 1 << (bits - 1)
    return found if -limit <= found < limit else 0


def string_map(value: Object, key: str) -> dict[str, str]:
    """The map of text to text under the key."""
    return {
        clean(name): clean(item)
        for name, item in child(value, key).items()
        if isinstance(name, str) and isinstance(item, str)  # YAML may have keys that are no texts
    }


def metadata(value: Object) -> Object:
    """The object's metadata."""
    return child(value, "metadata")


def uid(value: Object) -> Uid:
    """The object's uid."""
    return Uid(text(metadata(value), "uid"))


def name(value: Object) -> str:
    """The object's name."""
    return text(metadata(value), "name")


def namespace(value: Object) -> str:
    """The object's namespace, empty for cluster-wide ones."""
    return text(metadata(value), "namespace")


def label_map(value: Object) -> dict[str, str]:
    """The object's labels."""
    return string_map(metadata(value), "labels")


def annotation_map(value: Object) -> dict[str, str]:
    """The object's annotations."""
    return string_map(metadata(value), "annotations")


def timestamp(value: Object, key: str) -> Timestamp:
    """The RFC 3339 time under the key; Go's zero time when it is missing."""
    return optional_timestamp(value, key) or Timestamp(seconds=_ZERO_TIME_SECONDS)


def optional_timestamp(value: Object, key: str) -> Timestamp | None:
    """The RFC 3339 time under the key, or None."""
    found = value.get(key)
    if not isinstance(found, str):
        return None
    result = Timestamp()
    try:
        result.FromJsonString(found)
    except ValueError:
        return None
    return result


def created(value: Object) -> Timestamp:
    """When the object was created."""
    return timestamp(metadata(value), "creationTimestamp")


def terminating(value: Object) -> bool:
    """Whether the object is being deleted."""
    return bool(metadata(value).get("deletionTimestamp"))
