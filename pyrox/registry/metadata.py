"""An image's configuration blob as `storage.ImageMetadata`: the Dockerfile as far as it is known.

Pure. Called by `pyrox.registry.client` and through it by Central and Sensor; policies
about users, volumes, labels and Dockerfile lines read its result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.errors import Invalid
from pyrox.pb.storage import image_pb2
from pyrox.registry.manifest import Manifest

# What the classic builder writes in front of a history line; RUN lines have the second only.
_SHELL = "/bin/sh -c "
_NOP = "/bin/sh -c #(nop)"
_INSTRUCTIONS = (
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
    "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip
# A value that upstream raises when it learns to read more of the metadata.
METADATA_VERSION = 0
_MAX_HISTORY = 4096


def instruction_of(line: str) -> tuple[str, str]:
    """The instruction and its arguments of one history line; what is neither is RUN."""
    line = line.strip().removeprefix(_NOP).removeprefix(_SHELL).strip()
    for word in _INSTRUCTIONS:
        if line.startswith(word):
            return word, line.removeprefix(f"{word} ")
    return "RUN", line


def image_metadata(manifest: Manifest, config: bytes) -> image_pb2.ImageMetadata:
    """What the registry knows about the image.

    Raises `Invalid` when the configuration is not a JSON object; parts of it that have
    another type than they should are left out.
    """
    metadata = image_pb2.ImageMetadata(
        v2=image_pb2.V2Metadata(digest=manifest.digest),
        layer_shas=[layer.digest for layer in manifest.layers],
        version=METADATA_VERSION,
    )
    metadata.v1.CopyFrom(_v1(manifest, _parse(manifest, config)))
    return metadata


def _parse(manifest: Manifest, config: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(config)
    except orjson.JSONDecodeError as err:
        raise Invalid(f"configuration {manifest.config.digest} is not JSON: {err}") from err
    if not isinstance(document, dict):
        raise Invalid(f"configuration {manifest.config.digest} is not a JSON object")
    return document


def _v1(manifest: Manifest, document: Mapping[str, Any]) -> image_pb2.V1Metadata:
    config = document.get("config")
    config = config if isinstance(config, dict) else {}
    labels, volumes = config.get("Labels"), config.get("Volumes")
    v1 = image_pb2.V1Metadata(
        digest=manifest.config.digest,
        created=_time(document.get("created")),
        user=_text(config.get("User")) or "root",
        command=_texts(config.get("Cmd")),
        entrypoint=_texts(config.get("Entrypoint")),
        volumes=sorted(volumes) if isinstance(volumes, dict) else [],
        labels={key: _text(value) for key, value in labels.items()} if isinstance(labels, dict) else {},
    )
    history = document.get("history")
    for entry in history[:_MAX_HISTORY] if isinstance(history, list) else ():
        if isinstance(entry, dict):
            _add_layer(v1, entry)
    if v1.layers:
        v1.author = v1.layers[-1].author
    return v1


def _add_layer(v1: image_pb2.V1Metadata, entry: Mapping[str, Any]) -> None:
    instruction, value = instruction_of(_text(entry.get("created_by")))
    v1.layers.add(
        instruction=instruction,
        value=value,
        created=_time(entry.get("created")),
        author=_text(entry.get("author")),
        empty=entry.get("empty_layer") is True,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _time(value: Any) -> Timestamp | None:
    """A timestamp from RFC 3339 text, nanoseconds kept; None when there is none to read."""
    moment = Timestamp()
    try:
        moment.FromJsonString(_text(value))
    except ValueError:
        return None
    return moment
