"""Flags and environment of the local commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.errors import Invalid
from services.local.launch import Options, context_of
from services.local.main import options_of, parser
from services.local.places import Places


def options(words: list[str], environment: dict[str, str] | None = None) -> Options:
    return options_of(parser().parse_args(words), environment or {})


def test_without_kubeconfig_the_simulated_cluster_is_watched() -> None:
    found = options(["up"])
    assert found.kubeconfig is None
    assert found.places == Places.default()
    sensor = found.table()["sensor"]
    assert sensor.environment["KUBECONFIG"] == str(Places.default().kubeconfig)
    assert "simulated" in found.table()["central"].once[0]


def test_a_kubeconfig_of_the_user_is_watched_under_its_context(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("current-context: kind-test\n")
    found = options(["up"], {"KUBECONFIG": str(path)})
    assert found.table()["sensor"].environment["KUBECONFIG"] == str(path)
    assert "kind-test" in found.table()["central"].once[0]
    command = found.table()["simulated"].command
    assert command[command.index("--simulate") + 1] == "no"
    assert found.fingerprint() != options(["up"]).fingerprint()


def test_our_own_kubeconfig_asks_for_nothing_else() -> None:
    assert options(["up"], {"KUBECONFIG": str(Places.default().kubeconfig)}).kubeconfig is None


def test_a_kubeconfig_without_a_context_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("clusters: []\n")
    with pytest.raises(Invalid, match="no current-context can be read"):
        context_of(path)


def test_the_supervisor_is_started_with_the_same_options(tmp_path: Path) -> None:
    found = options(["up", "--state", str(tmp_path), "--network", "127.0.99", "--deployments", "7"])
    again = options(["supervise", *found.arguments()])
    assert again == found


def test_flags_are_repeated_only_for_an_unusual_installation(tmp_path: Path) -> None:
    assert options(["up"]).shared_flags() == ""
    flags = options(["up", "--state", str(tmp_path), "--network", "127.0.99"]).shared_flags()
    assert flags == f" --state {tmp_path} --network 127.0.99"
