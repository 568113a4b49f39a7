from __future__ import annotations

from pathlib import Path

import pytest

from tools.images import __main__ as command
from tools.images import base


def test_arguments_have_the_defaults_of_a_machine_without_an_engine() -> None:
    args = command.arguments(["--tool", "chroot"])
    assert (args.registry, args.tag, args.base) == ("localhost/pyrox", command.version(), base.OWN)
    assert args.image == list(command.IMAGES)


def test_engine_takes_the_base_of_the_containerfile_unless_told() -> None:
    assert command.arguments(["--tool", "docker", "--tag", "7", "roxctl"]).base == ""
    assert command.arguments(["--tool", "docker", "--base", "x:1"]).base == "x:1"


def test_unknown_image_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.arguments(["--tool", "chroot", "mian"])
    assert "no image mian; there are main, central-db" in capsys.readouterr().err


def test_tool_that_was_asked_for_is_taken_without_a_look() -> None:
    assert command.tool("buildah") == "buildah"


@pytest.mark.parametrize(("answers", "found"), [("exit 0", "docker"), ("exit 1", "chroot")])
def test_engine_is_found_when_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: str, found: str
) -> None:
    (tmp_path / "docker").write_text(f"#!/bin/sh\n{answers}\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command.tool("auto") == found


def test_base_of_our_own_is_known_by_its_recipe_and_an_archive_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("1")
    (tmp_path / "b.tar").write_text("1")
    assert base.key(base.OWN) == base.key(base.OWN)
    assert base.key(str(tmp_path / "a.tar")) == base.key(str(tmp_path / "b.tar"))
    (tmp_path / "b.tar").write_text("2")
    assert base.key(str(tmp_path / "a.tar")) != base.key(str(tmp_path / "b.tar"))


def test_base_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="BASE=/nowhere"):
        base.make("/nowhere", tmp_path)
