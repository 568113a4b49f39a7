"""The restart: asked for once, and what Central becomes then."""

from __future__ import annotations

import os
import sys

import pytest

from services.central.backups.restart import Restart, become, command


def test_restart_stops_central_and_remembers_why() -> None:
    stopped: list[bool] = []
    made = Restart(stop=lambda: stopped.append(True))
    assert not made.wanted
    made.request()
    assert (made.wanted, stopped) == (True, [True])


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ["python", "-m", "services", "central"]),
        (
            {"RESTART_EXE": "/stackrox/central-entrypoint.sh"},
            ["/stackrox/central-entrypoint.sh", "--listen", ":1"],
        ),
    ],
)
def test_program_to_become_is_the_same_or_the_one_named(
    environment: dict[str, str], expected: list[str]
) -> None:
    started = ["python", "-m", "services", "central"]
    assert command(environment, started, ["--listen", ":1"]) == expected


def test_process_is_replaced_with_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[object] = []
    monkeypatch.setattr(os, "execvpe", lambda *words: became.append(words))
    monkeypatch.setattr(sys, "orig_argv", ["/usr/bin/python", "-m", "services"])
    become({"A": "b"})
    assert became == [("/usr/bin/python", ["/usr/bin/python", "-m", "services"], {"A": "b"})]


def test_program_that_cannot_be_started_ends_the_process_with_an_error() -> None:
    assert become({"RESTART_EXE": "/nonexistent/central", "PATH": os.defpath}) == 1
