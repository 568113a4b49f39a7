"""The server's programs beside its data; the server itself is the integration tests' matter."""

from __future__ import annotations

from pathlib import Path

from services.local import postgres


def test_copy_of_the_binaries_is_whole_and_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    installed, base = tmp_path / "pg18", tmp_path / "base"
    (installed / "bin").mkdir(parents=True)
    (installed / "bin" / "postgres").write_text("program")
    (base / "copying-dead" / "install").mkdir(parents=True)
    found = postgres._copied_binaries(installed / "bin", base)
    assert (found / "postgres").read_text() == "program"
    assert [path.name for path in base.iterdir()] == ["pg18-copy"]
