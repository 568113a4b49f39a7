"""Archives of images: both forms, links, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from pyrox.errors import Invalid
from services.scannerctl import archives


def write(path: Path, files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return path


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def docker(layers: list[str], **more: object) -> bytes:
    return json.dumps([{"Config": "c.json", "Layers": layers, **more}]).encode()


def oci(*layers: bytes, **more: object) -> dict[str, bytes]:
    manifest = json.dumps({"layers": [{"digest": digest(layer)} for layer in layers]}).encode()
    listed = [{"digest": digest(manifest), **more}]
    blobs = {f"blobs/sha256/{digest(data)[7:]}": data for data in (manifest, *layers)}
    return {"index.json": json.dumps({"manifests": listed}).encode(), **blobs}


def contents(image: archives.Image) -> list[bytes]:
    found = []
    for layer in image.layers:
        with layer.open() as file:
            found.append(file.read())
    return found


def test_layers_of_docker_save_are_read_in_their_order(tmp_path: Path) -> None:
    files = {"b/layer.tar": b"two", "a/layer.tar": b"one", "c.json": b"{}"}
    files["manifest.json"] = docker(["a/layer.tar", "b/layer.tar"])
    image = archives.opened(write(tmp_path / "a.tar", files))
    assert (image.digest, contents(image)) == (digest(b"{}"), [b"one", b"two"])


def test_layer_that_is_a_link_is_the_one_it_leads_to(tmp_path: Path) -> None:
    files = {"a/layer.tar": b"one", "c.json": b"{}", "manifest.json": docker(["b/layer.tar"])}
    image = archives.opened(write(tmp_path / "a.tar", files, {"b/layer.tar": "../a/layer.tar"}))
    assert contents(image) == [b"one"]


def test_oci_layout_is_read_by_its_digests(tmp_path: Path) -> None:
    image = archives.opened(write(tmp_path / "a.tar", oci(b"one", b"two")))
    assert contents(image) == [b"one", b"two"]
    assert [layer.digest for layer in image.layers] == [digest(b"one"), digest(b"two")]


def test_attestation_beside_the_image_is_passed_over(tmp_path: Path) -> None:
    files = oci(b"one")
    index = json.loads(files["index.json"])
    index["manifests"].append(
        {"digest": "sha256:0", "platform": {"os": "unknown", "architecture": "unknown"}}
    )
    files["index.json"] = json.dumps(index).encode()
    assert contents(archives.opened(write(tmp_path / "a.tar", files))) == [b"one"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"other": b""}, "'manifest.json' is not in the archive"),
        ({"manifest.json": b"{"}, "manifest.json is not JSON"),
        ({"manifest.json": b"[]"}, "0 images, not one"),
        ({"manifest.json": b'[{"Config": "c", "Layers": ["a"]}]', "c": b"{}"}, "'a' is not in the archive"),
        ({"manifest.json": b'"text"'}, "its description is no image's"),
        ({"index.json": b'{"manifests": []}'}, "0 images for linux/amd64, not one"),
        (
            {"index.json": b'{"manifests": [{"digest": "sha256:1"}]}'},
            "'blobs/sha256/1' is not in the archive",
        ),
    ],
)
def test_archive_that_is_no_image_is_refused_by_name(
    tmp_path: Path, files: Mapping[str, bytes], words: str
) -> None:
    with pytest.raises(Invalid) as refused:
        archives.opened(write(tmp_path / "a.tar", files))
    assert words in refused.value.message
    assert "a.tar" in refused.value.message


def test_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"x" * 2000)
    with pytest.raises(Invalid, match="no archive of an image"):
        archives.opened(tmp_path / "a.tar")


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    files = {"c.json": b"{}", "manifest.json": docker(["a"])}
    with pytest.raises(Invalid, match="is not in the archive"):
        archives.opened(write(tmp_path / "a.tar", files, {"a": "b", "b": "a"}))
