from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools import gen_bpf


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the committed folder."""
    return Path(shutil.copytree(gen_bpf.FOLDER, tmp_path / "bpf"))


def other_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gen_bpf, "compiler", lambda: "")


def test_check_committed_object_was_made_from_the_committed_sources(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other_compiler(monkeypatch)
    assert gen_bpf.check(folder) == []
    assert "not compared" in capsys.readouterr().out


@pytest.mark.parametrize("name", gen_bpf.SOURCES)
def test_check_changed_source_without_compiling_is_found(folder: Path, name: str) -> None:
    with (folder / name).open("a") as file:
        file.write("\n")
    (finding,) = gen_bpf.check(folder)
    assert "run `make bpf`" in finding


def test_check_without_a_note_says_what_to_do(folder: Path) -> None:
    (folder / gen_bpf.BUILT).unlink()
    with pytest.raises(SystemExit, match="make bpf"):
        gen_bpf.check(folder)


def test_built_reads_what_it_wrote(tmp_path: Path) -> None:
    built = gen_bpf.Built("clang version 1", "ab")
    (tmp_path / "built").write_text(built.render())
    assert gen_bpf.Built.read(tmp_path / "built") == built
