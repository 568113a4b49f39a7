"""The wire of a test: Central's end of it is the test's own."""

from __future__ import annotations

from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest

from roxctl.central_client import Central
from roxctl.rest import Rest
from tests.support.cli_wire import Wire


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Wire:
    """The wire of all commands of one test; files go to a directory of its own."""
    made = Wire()
    monkeypatch.setattr(Central, "_connect", lambda *_: made)
    monkeypatch.setattr(Rest, "_once", partialmethod(_once, made))
    monkeypatch.chdir(tmp_path)
    return made


def _once(rest: Rest, wire: Wire, *parts: Any) -> Any:
    return wire.once(rest, *parts)
