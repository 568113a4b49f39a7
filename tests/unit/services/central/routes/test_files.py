"""File names of requests: inside the directory or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.central.routes.files import file_in


@pytest.fixture
def root(tmp_path: Path) -> Path:
    served = tmp_path / "served"
    (served / "deep").mkdir(parents=True)
    (served / "a.txt").write_text("a")
    (served / "deep" / "b.txt").write_text("b")
    (served / "inner").symlink_to(served / "a.txt")
    (served / "outer").symlink_to(tmp_path / "secret.txt")
    (served / "loop").symlink_to(served / "loop")
    (tmp_path / "secret.txt").write_text("s")
    (tmp_path / "served-too").mkdir()
    (tmp_path / "served-too" / "c.txt").write_text("c")
    return served.resolve()


@pytest.mark.parametrize(
    ("name", "found"),
    [("a.txt", "a.txt"), ("deep/b.txt", "deep/b.txt"), ("deep/../a.txt", "a.txt"), ("inner", "a.txt")],
)
def test_file_inside_is_found(root: Path, name: str, found: str) -> None:
    assert file_in(root, name) == root / found


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "deep",
        "nosuch",
        "../secret.txt",
        "deep/../../secret.txt",
        "/etc/passwd",
        "../served-too/c.txt",
        "outer",
        "loop",
        "a.txt/b",
        "a.txt\0",
        "\0",
        "x" * 300,
        "x/" * 3000,
        "..\\secret.txt",
        "\udcff",
    ],
    ids=repr,
)
def test_name_of_anything_else_gives_nothing(root: Path, name: str) -> None:
    assert file_in(root, name) is None
