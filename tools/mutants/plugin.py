"""A pytest plugin that loads one module with one change made; no file is touched.

`python -m pytest -p tools.mutants.plugin` with `PYROX_MUTANT=<module>:<number>`; the runner
starts it. Without the variable it does nothing.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from pyrox import env
from tools.mutants.changes import mutated

VARIABLE = "PYROX_MUTANT"


class _Loader(importlib.abc.SourceLoader):
    """Compiles the changed tree instead of the file's text."""

    def __init__(self, path: str, number: int) -> None:
        self._path = path
        self._number = number

    def get_filename(self, fullname: str) -> str:
        """The file that the module comes from."""
        del fullname
        return self._path

    def get_data(self, path: str) -> bytes:
        """The file's text."""
        return Path(path).read_bytes()

    def source_to_code(self, data: object, path: object, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]  # wider
        """The code of the changed tree."""
        assert isinstance(data, bytes)  # noqa: S101 - as `get_data` gives it
        return compile(mutated(data.decode(), self._number), str(path), "exec", optimize=_optimize)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the one module before anybody else does."""

    def __init__(self, module: str, number: int) -> None:
        self._module = module
        self._number = number

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of the changed module; None for every other."""
        if fullname != self._module:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is None or found.origin is None:
            return None
        loader = _Loader(found.origin, self._number)
        return importlib.util.spec_from_loader(fullname, loader, origin=found.origin)


def install(text: str) -> None:
    """Put the finder first; `text` is `<module>:<number>`."""
    module, _, number = text.rpartition(":")
    if module in sys.modules:
        raise RuntimeError(f"{module} is loaded already; it cannot be changed any more")
    sys.meta_path.insert(0, Finder(module, int(number)))


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Before any test, and so the module, is imported."""
    wanted = env.environ().get(VARIABLE, "")
    if wanted:
        install(wanted)
