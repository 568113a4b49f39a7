"""The server's programs beside its data; the server itself is the integration tests' matter."""

from __future__ import annotations

from pathlib import Path

from services.local import postgres


def test_copy_of_the_binaries_is_whole_and_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    package, base = tmp_path / "server", tmp_path / "base"
    (package / "pg18" / "bin").mkdir(parents=True)
    (package / "pg18" / "bin" / "postgres").write_text("program")
    (tmp_path / "server.libs").mkdir()
    (tmp_path / "server.libs" / "libpq.so").write_text("library")
    (base / "copying-dead" / "install").mkdir(parents=True)
    found = postgres._copied_binaries(package / "pg18" / "bin", base)
    assert (found / "postgres").read_text() == "program"
    assert (found / "../../../server.libs/libpq.so").read_text() == "library"
    assert [path.name for path in base.iterdir()] == ["pg18-copy"]


def test_copy_of_binaries_without_libraries_of_their_own_is_made(tmp_path: Path) -> None:
    (tmp_path / "usr" / "pg18" / "bin").mkdir(parents=True)
    (tmp_path / "usr" / "pg18" / "bin" / "postgres").write_text("program")
    (tmp_path / "base").mkdir()
    found = postgres._copied_binaries(tmp_path / "usr" / "pg18" / "bin", tmp_path / "base")
    assert (found / "postgres").read_text() == "program"
