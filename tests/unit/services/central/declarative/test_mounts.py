from __future__ import annotations

from pathlib import Path

from services.central.declarative.mounts import MAX_BYTES, MAX_FILES, Mount, read_mounts


def test_without_a_directory_there_are_no_mounts(tmp_path: Path) -> None:
    assert read_mounts(tmp_path / "none") is None
    assert read_mounts(tmp_path) == ()


def test_files_behind_kubernetes_links_are_read_once(tmp_path: Path) -> None:
    mount = tmp_path / "roles"
    (mount / "..2026").mkdir(parents=True)
    (mount / "..2026" / "a.yaml").write_text("a: 1")
    (mount / "..data").symlink_to("..2026")
    (mount / "a.yaml").symlink_to("..data/a.yaml")
    (tmp_path / "file").write_text("no mount")
    (tmp_path / "empty").mkdir()
    assert read_mounts(tmp_path) == (Mount("empty"), Mount("roles", ("a: 1",)))


def test_file_that_is_too_long_or_no_text_is_told_of(tmp_path: Path) -> None:
    mount = tmp_path / "m"
    mount.mkdir()
    (mount / "big").write_bytes(b"x" * (MAX_BYTES + 1))
    (mount / "binary").write_bytes(b"\xff")
    (mount / "gone").symlink_to("nowhere")
    (mount / "good").write_text("g")
    found = read_mounts(tmp_path)
    assert found is not None
    assert found[0].texts == ("g",)
    assert [text.split(":")[0] for text in found[0].problems] == ["big", "binary", "gone"]


def test_number_of_files_is_bounded(tmp_path: Path) -> None:
    mount = tmp_path / "m"
    mount.mkdir()
    for number in range(MAX_FILES + 1):
        (mount / f"{number:05}").touch()
    found = read_mounts(tmp_path)
    assert found is not None
    assert (len(found[0].texts), found[0].problems) == (MAX_FILES, (f"more than {MAX_FILES} files",))
