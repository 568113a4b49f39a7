from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from tools.images.layers import Cache, Layer, held, write_archive, write_tar

EPOCH = 1767225600


def tree(root: Path, *, backwards: bool = False) -> Path:
    """A small layer; the order in which its files were made must not matter."""
    files = {"etc/b.conf": "b", "etc/a.conf": "a", "usr/bin/tool": "#!/bin/sh\n"}
    for name, text in sorted(files.items(), reverse=backwards):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "usr/bin/tool").chmod(0o755)
    (root / "usr/bin/link").symlink_to("tool")
    return root


def members(path: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return {entry.name: entry for entry in tar}


def test_equal_trees_give_equal_bytes(tmp_path: Path) -> None:
    first = write_tar(tree(tmp_path / "1"), tmp_path / "1.tar", EPOCH)
    second = write_tar(tree(tmp_path / "2", backwards=True), tmp_path / "2.tar", EPOCH)
    assert first == second == hashlib.sha256((tmp_path / "1.tar").read_bytes()).hexdigest()
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()


def test_tar_is_sorted_with_one_time_and_no_names_of_accounts(tmp_path: Path) -> None:
    write_tar(tree(tmp_path / "1"), tmp_path / "1.tar", EPOCH)
    found = members(tmp_path / "1.tar")
    order = ["etc", "etc/a.conf", "etc/b.conf", "usr", "usr/bin", "usr/bin/link", "usr/bin/tool"]
    assert list(found) == order
    assert {entry.mtime for entry in found.values()} == {EPOCH}
    assert {entry.uname for entry in found.values()} == {""}
    assert (found["usr/bin/tool"].mode, found["usr/bin/link"].linkname) == (0o755, "tool")


def test_second_name_of_a_file_is_a_hard_link(tmp_path: Path) -> None:
    root = tree(tmp_path / "1")
    os.link(root / "etc/a.conf", root / "etc/c.conf")
    write_tar(root, tmp_path / "1.tar", EPOCH)
    assert members(tmp_path / "1.tar")["etc/c.conf"].linkname == "etc/a.conf"


@pytest.mark.needs("root")
def test_marks_of_overlayfs_become_marks_of_the_image_format(tmp_path: Path) -> None:
    root = tree(tmp_path / "1")
    os.mknod(root / "gone", 0o020000, 0)
    os.mknod(root / "etc/gone", 0o020000, 0)
    os.setxattr(root / "usr", "trusted.overlay.opaque", b"y")
    write_tar(root, tmp_path / "1.tar", EPOCH)
    marks = {name for name in members(tmp_path / "1.tar") if ".wh." in name}
    assert marks == {".wh.gone", "etc/.wh.gone", "usr/.wh..wh..opq"}


def sealed(cache: Cache, key: str) -> Layer:
    tree(cache.folder(key) / "diff")
    return cache.seal(key, "a test")


def test_layer_is_in_the_cache_once_it_is_sealed(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path, epoch=EPOCH)
    tree(cache.folder("k" * 64) / "diff")
    assert cache.get("k" * 64) is None
    layer = cache.seal("k" * 64, "a test")
    assert Cache(root=tmp_path, epoch=EPOCH).get("k" * 64) == layer


def test_pruning_keeps_what_was_asked_for(tmp_path: Path) -> None:
    old = Cache(root=tmp_path, epoch=EPOCH)
    sealed(old, "a" * 64)
    sealed(old, "b" * 64)
    cache = Cache(root=tmp_path, epoch=EPOCH)
    assert cache.get("a" * 64) is not None
    cache.prune()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a" * 24]


def test_archive_holds_manifest_configuration_and_each_layer_once(tmp_path: Path) -> None:
    layer = sealed(Cache(root=tmp_path / "cache", epoch=EPOCH), "a" * 64)
    target = tmp_path / "image.tar"
    identity = write_archive(target, config={"os": "linux"}, layers=[layer, layer], tags=["localhost/x:1"])
    with tarfile.open(target) as tar:
        names = tar.getnames()
        manifest = json.load(tar.extractfile("manifest.json") or pytest.fail("no manifest"))
        blob = (tar.extractfile(f"{identity}.json") or pytest.fail("no configuration")).read()
    assert names == ["manifest.json", f"{identity}.json", f"{layer.digest}.tar"]
    assert manifest == [
        {
            "Config": f"{identity}.json",
            "RepoTags": ["localhost/x:1"],
            "Layers": [f"{layer.digest}.tar", f"{layer.digest}.tar"],
        }
    ]
    assert hashlib.sha256(blob).hexdigest() == identity
    assert not (tmp_path / "image.tar.partial").exists()


def test_archive_that_is_the_image_already_is_left_as_it_is(tmp_path: Path) -> None:
    layer = sealed(Cache(root=tmp_path / "cache", epoch=EPOCH), "a" * 64)
    target = tmp_path / "image.tar"
    identity = write_archive(target, config={"os": "linux"}, layers=[layer], tags=["localhost/x:1"])
    assert held(target) == (identity, ["localhost/x:1"])
    before = target.stat().st_ino
    write_archive(target, config={"os": "linux"}, layers=[layer], tags=["localhost/x:1"])
    assert target.stat().st_ino == before
    write_archive(target, config={"os": "linux"}, layers=[layer], tags=["localhost/x:2"])
    assert target.stat().st_ino != before
    assert held(tmp_path / "none.tar") is None
