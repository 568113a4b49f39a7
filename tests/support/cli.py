"""Runs of roxctl inside the test's process, with streams that are kept."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from roxctl.main import run
from tests.support.fake_central import FakeCentral


class StoppedTimer:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.waits: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds


@dataclass(frozen=True)
class Run:
    """What one run left behind."""

    code: int
    out: str
    err: str
    waits: list[float]


def roxctl(*arguments: str, environment: Mapping[str, str] | None = None, answers: str = "") -> Run:
    """One command line; `answers` is what the user types."""
    out, err, timer = io.StringIO(), io.StringIO(), StoppedTimer()
    # An empty folder of its own: no stored login of the person who runs the tests.
    given = {"ROX_CONFIG_DIR": "/nonexistent/roxctl", **(environment or {})}
    code = run(arguments, environment=given, out=out, err=err, stdin=io.StringIO(answers), timer=timer)
    return Run(code, out.getvalue(), err.getvalue(), timer.waits)


def settings_for(central: FakeCentral, **more: str) -> dict[str, str]:
    """The environment with which a run reaches this Central as administrator."""
    return {
        "ROX_ENDPOINT": central.endpoint,
        "ROX_CA_CERT_FILE": str(central.pki.ca_file),
        "ROX_ADMIN_PASSWORD": "letmein",
        **more,
    }


def without_login(environment: Mapping[str, str]) -> dict[str, str]:
    """The same environment, with nobody logged in."""
    return {key: value for key, value in environment.items() if key != "ROX_ADMIN_PASSWORD"}


def written(directory: Path) -> dict[str, str]:
    """All files below a directory by relative name."""
    return {
        str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()
    }
