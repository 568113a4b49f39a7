"""Manifests and lists, honest and not."""

from __future__ import annotations

import json

import pytest

from pyrox.errors import Invalid, NotFound, Unimplemented
from pyrox.registry.manifest import DOCKER_LIST, OCI_MANIFEST, Index, Manifest, Platform, parse_manifest
from pyrox.registry.names import Digest

D = Digest("sha256:" + "1" * 64)
BLOB = {"digest": D, "size": 3}


def parse(document: object, kind: str = OCI_MANIFEST) -> Manifest | Index:
    return parse_manifest(json.dumps(document).encode(), digest=D, content_type=kind)


def test_manifest_lists_its_layers_in_order() -> None:
    other = {"digest": "sha512:" + "2" * 128, "size": 9}
    found = parse({"schemaVersion": 2, "config": BLOB, "layers": [BLOB, other]})
    assert isinstance(found, Manifest)
    assert [layer.size for layer in found.layers] == [3, 9]


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"schemaVersion": 2},
        {"config": BLOB, "layers": {}},
        {"config": None, "layers": []},
        {"config": {"digest": "sha256:xyz", "size": 1}, "layers": []},
        {"config": {"digest": D, "size": -1}, "layers": []},
        {"config": BLOB, "layers": ["text"]},
        {"config": BLOB, "layers": [BLOB] * 1025},
    ],
)
def test_manifest_that_is_malformed_is_refused(document: object) -> None:
    with pytest.raises(Invalid, match="manifest"):
        parse(document)


def test_manifest_that_is_not_json_is_refused() -> None:
    with pytest.raises(Invalid, match="not JSON"):
        parse_manifest(b"<html>", digest=D, content_type="text/html")


def test_schema_1_is_named() -> None:
    with pytest.raises(Unimplemented, match="schema 1"):
        parse({"schemaVersion": 1, "fsLayers": []})


def entry(os: str, architecture: str, digit: str) -> dict[str, object]:
    return {"digest": f"sha256:{digit * 64}", "size": 1, "platform": {"os": os, "architecture": architecture}}


def test_list_gives_the_wanted_platform() -> None:
    entries = [entry("windows", "amd64", "a"), entry("linux", "arm64", "b"), entry("linux", "amd64", "c")]
    found = parse({"manifests": entries}, DOCKER_LIST)
    assert isinstance(found, Index)
    assert found.choose(Platform()).digest.endswith("c")
    assert found.choose(Platform(architecture="arm64")).digest.endswith("b")
    with pytest.raises(NotFound, match="linux/s390x; it offers linux/amd64, linux/arm64, windows/amd64"):
        found.choose(Platform(architecture="s390x"))


def test_list_of_one_image_and_its_attestation_gives_the_image() -> None:
    found = parse(
        {"manifests": [entry("linux", "arm64", "a"), entry("unknown", "unknown", "b")]}, DOCKER_LIST
    )
    assert isinstance(found, Index)
    assert found.choose(Platform()).digest.endswith("a")
