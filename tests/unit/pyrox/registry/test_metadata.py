"""Configuration blobs as image metadata."""

from __future__ import annotations

import json

import pytest

from pyrox.errors import Invalid
from pyrox.registry.manifest import Descriptor, Manifest
from pyrox.registry.metadata import image_metadata, instruction_of
from pyrox.registry.names import Digest

D = Digest("sha256:" + "1" * 64)
MANIFEST = Manifest(D, "", Descriptor(Digest("sha256:" + "2" * 64), 2), (Descriptor(D, 3),))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('/bin/sh -c #(nop)  CMD ["bash"]', ("CMD", '["bash"]')),
        ("/bin/sh -c apt-get update", ("RUN", "apt-get update")),
        ("RUN /bin/sh -c apt-get update # buildkit", ("RUN", "/bin/sh -c apt-get update # buildkit")),
        ("COPY . /app # buildkit", ("COPY", ". /app # buildkit")),
        ("  /bin/sh -c #(nop) ADD file:1 in / ", ("ADD", "file:1 in /")),
        ("", ("RUN", "")),
    ],
)
def test_history_line_is_read_as_an_instruction(line: str, wanted: tuple[str, str]) -> None:
    assert instruction_of(line) == wanted


def test_configuration_fills_the_metadata() -> None:
    config = {
        "created": "2024-05-06T07:08:09Z",
        "config": {
            "User": "1000",
            "Entrypoint": ["/a"],
            "Cmd": None,
            "Labels": {"x": "y"},
            "Volumes": {"/b": {}, "/a": {}},
        },
        "history": [
            {"created_by": "COPY x y", "author": "me", "empty_layer": True},
            {"created_by": "USER 1000", "author": "you"},
        ],
    }
    found = image_metadata(MANIFEST, json.dumps(config).encode())
    assert (found.v1.digest, found.v2.digest, list(found.layer_shas)) == (MANIFEST.config.digest, D, [D])
    assert found.v1.created.seconds == 1714979289
    assert (found.v1.user, list(found.v1.entrypoint), list(found.v1.volumes)) == (
        "1000",
        ["/a"],
        ["/a", "/b"],
    )
    assert [layer.empty for layer in found.v1.layers] == [True, False]
    assert found.v1.author == "you"
    assert dict(found.v1.labels) == {"x": "y"}


def test_configuration_of_wrong_types_leaves_them_out() -> None:
    config = {
        "created": 7,
        "config": {"User": [], "Cmd": "sh", "Labels": {"a": 1}, "Volumes": []},
        "history": [1, {"created": "x"}],
    }
    found = image_metadata(MANIFEST, json.dumps(config).encode())
    assert (found.v1.user, list(found.v1.command), dict(found.v1.labels)) == ("root", [], {"a": ""})
    assert not found.v1.HasField("created")
    assert [layer.instruction for layer in found.v1.layers] == ["RUN"]


@pytest.mark.parametrize("config", [b"", b"[]", b"\xff"])
def test_configuration_that_is_no_object_is_refused(config: bytes) -> None:
    with pytest.raises(Invalid, match="configuration sha256:2"):
        image_metadata(MANIFEST, config)
