"""The commands that are printed at the end."""

from __future__ import annotations

from pathlib import Path

from pyrox.clock import SystemClock
from services.local.launch import Installation, Options
from services.local.places import CHECKOUT, Places
from services.local.tryout import EXAMPLES, attempts, commands_to_try


def installation(kubeconfig: Path | None = None) -> Installation:
    options = Options(places=Places.default(), kubeconfig=kubeconfig)
    return Installation(options, clock=SystemClock(), environment={})


def test_everything_to_try_is_printed_with_the_portal_and_the_password() -> None:
    text = commands_to_try(installation())
    assert "portal    https://127.0.10.2:8443" in text
    assert "login     admin, password in .local/admin-password" in text
    for attempt in attempts(installation()):
        assert f"# {attempt.about}\n{attempt.command}" in text


def test_a_check_and_a_refusal_end_with_one() -> None:
    codes = {attempt.command.split()[-1]: attempt.code for attempt in attempts(installation())}
    assert codes[f"{EXAMPLES}/privileged.yaml"] == 1
    assert codes[f"{EXAMPLES}/modest.yaml"] == 0
    check = attempts(installation())[0]
    assert "image check --image 127.0.10.5:5000/shop/cart:latest" in check.command
    assert check.code == 1


def test_nothing_is_applied_to_a_real_cluster(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("current-context: real\n")
    assert not any(" apply " in attempt.command for attempt in attempts(installation(path)))


def test_the_examples_exist() -> None:
    assert {path.name for path in (CHECKOUT / EXAMPLES).iterdir()} == {"privileged.yaml", "modest.yaml"}
