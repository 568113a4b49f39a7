"""A module that is loaded with a change."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from tools.mutants.plugin import Finder, install

SOURCE = "def small(a):\n    return a < 2\n"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that nobody has loaded; afterwards nobody has again."""
    name = "changed_by_a_test"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, name)
    return name


@pytest.mark.parametrize(("number", "results"), [(0, [True, True, False]), (1, [True, True, False])])
def test_module_is_loaded_with_one_change_and_its_file_stays(
    module: str, number: int, results: list[bool], tmp_path: Path
) -> None:
    install(f"{module}:{number}")
    loaded = importlib.import_module(module)
    # `<` becomes `<=`, or 2 becomes 3.
    assert [loaded.small(value) for value in (1, 2, 3)] == results
    assert (tmp_path / f"{module}.py").read_text() == SOURCE


def test_other_modules_are_not_its_business() -> None:
    assert Finder("a.b", 0).find_spec("a.c", None) is None
    assert Finder("does.not.exist", 0).find_spec("does.not.exist", []) is None


def test_module_that_is_loaded_already_cannot_be_changed() -> None:
    with pytest.raises(RuntimeError, match="json is loaded already"):
        install("json:0")
