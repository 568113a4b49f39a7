"""The lock file: everything that is wanted, asked of a resolver in uv's place."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.tools import ROOT, load_tool

PROJECT = """
[project]
dependencies = ["b>=1", "a>=1"]
[project.optional-dependencies]
central = ["c>=1", "a>=1"]
[dependency-groups]
dev = ["d>=1"]
"""
# Plays the interpreter that runs uv: notes what it was asked, writes the output file.
RESOLVER = """#!{python}
import json, pathlib, sys
arguments = sys.argv[1:]
asked = {{"arguments": arguments, "input": sys.stdin.read()}}
pathlib.Path("{notes}").write_text(json.dumps(asked))
if "impossible" in asked["input"]:
    sys.exit(1)
pathlib.Path(arguments[arguments.index("--output-file") + 1]).write_text("a==1 --hash=sha256:0")
"""


def test_wanted_is_every_list_without_repeats() -> None:
    project = {
        "project": {"dependencies": ["b", "a"], "optional-dependencies": {"x": ["c", "a"], "y": []}},
        "dependency-groups": {"dev": ["d", "b"]},
    }
    assert load_tool("lock").wanted(project) == ["a", "b", "c", "d"]


@pytest.fixture
def resolver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "python"
    program.write_text(RESOLVER.format(python=sys.executable, notes=tmp_path / "notes.json"))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(program))
    return tmp_path


def run(directory: Path, project: str) -> tuple[int, dict[str, Any]]:
    (directory / "pyproject.toml").write_text(project)
    lock = load_tool("lock")
    lock.ROOT = directory
    code = lock.main()
    asked: dict[str, Any] = json.loads((directory / "notes.json").read_text())
    return code, asked


def test_main_asks_for_hashes_and_names_no_index(resolver: Path) -> None:
    code, asked = run(resolver, PROJECT)
    assert code == 0
    assert asked["input"].splitlines() == ["a>=1", "b>=1", "c>=1", "d>=1"]
    arguments = asked["arguments"]
    assert arguments[:5] == ["-m", "uv", "pip", "compile", "-"]
    assert {"--generate-hashes", "--universal", "--no-emit-index-url"} <= set(arguments)
    assert arguments[arguments.index("--python-version") + 1] == "3.11"
    assert arguments[arguments.index("--exclude-newer") + 1] == "7 days"
    assert not any("://" in argument for argument in arguments)
    assert (resolver / "requirements.lock").read_text() == "a==1 --hash=sha256:0"


def test_main_tells_when_nothing_can_be_resolved(resolver: Path) -> None:
    code, _ = run(resolver, PROJECT.replace("d>=1", "impossible>=1"))
    assert code == 1
    assert not (resolver / "requirements.lock").exists()


def test_committed_lock_pins_each_line_with_a_hash() -> None:
    text = (ROOT / "requirements.lock").read_text()
    pins = [line for line in text.splitlines() if line and line[0].isalnum()]
    assert pins
    assert all("==" in line for line in pins)
    assert all("--hash=sha256:" in block for block in text.replace("\\\n", " ").splitlines() if "==" in block)
