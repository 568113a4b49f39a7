"""The process table: the real one holds, and broken ones say what to mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.errors import Invalid
from services.local import table
from services.local.table import Table

VALUES = {
    "python": "/venv/python",
    "checkout": "/checkout",
    "state": "/state",
    "secrets": "/state/secrets",
    "kubeconfig": "/state/kubeconfig",
    "cluster": "simulated",
    "simulate": "yes",
    "deployments": "0",
}
ROW = """
[process.{name}]
address = "127.0.10.{number}"
ports = {{ api = 8443 }}
command = ["run", "{{{name}.api}}", "{{config}}/x"]
ready = {{ kind = "tcp", port = "api" }}
{more}
"""


def row(name: str, number: int, more: str = "") -> str:
    return ROW.format(name=name, number=number, more=more)


def load(tmp_path: Path, text: str, *, network: str = table.NETWORK) -> Table:
    path = tmp_path / "processes.toml"
    path.write_text(text)
    return table.load(path, VALUES, network=network)


def test_the_real_table_names_every_process_with_its_documented_ports() -> None:
    ports = {p.name: dict(p.ports) for p in table.load(table.SOURCE, VALUES).processes}
    assert ports["central"] == {"api": 8443, "metrics": 9090}
    assert ports["central-db"] == {"postgresql": 5432}
    assert (
        ports["scanner_indexer"] == ports["scanner_matcher"] == {"grpc": 8443, "http": 9443, "metrics": 9090}
    )
    assert ports["sensor"]["api"] == ports["admission"]["webhook"] == 8443
    assert ports["simulated"] == {"kubernetes": 6443, "registry": 5000}
    assert "collector" in ports


def test_the_real_table_gives_each_process_the_addresses_of_its_peers() -> None:
    found = table.load(table.SOURCE, VALUES)
    central, sensor = found["central"], found["sensor"]
    assert central.environment["ROX_SCANNER_V4_INDEXER_ENDPOINT"] == "127.0.10.3:8443"
    assert sensor.environment["ROX_CENTRAL_ENDPOINT"] == f"{central.address}:8443"
    assert "host=127.0.10.1 " in central.files["central-external-db.yaml"]


def test_placeholders_of_a_row_are_filled_in(tmp_path: Path) -> None:
    found = load(tmp_path, row("one", 1))["one"]
    assert found.command == ("run", "127.0.10.1:8443", "/state/config/one/x")
    assert found.probed == ("127.0.10.1", 8443)


def test_another_network_moves_every_address(tmp_path: Path) -> None:
    found = load(tmp_path, row("one", 1), network="127.0.99")["one"]
    assert found.address == "127.0.99.1"
    assert found.command[1] == "127.0.99.1:8443"


def test_processes_stand_after_those_that_they_need(tmp_path: Path) -> None:
    text = row("one", 1, 'needs = ["two"]') + row("two", 2, 'needs = ["three"]') + row("three", 3)
    assert [process.name for process in load(tmp_path, text).processes] == ["three", "two", "one"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "process"),
        ("[process.one", "process table"),
        (row("one", 1, 'needs = ["none"]'), "process one: needs none, which is not in the table"),
        (row("one", 1, 'needs = ["two"]') + row("two", 2, 'needs = ["one"]'), "in a circle: one, two"),
        (row("one", 1) + row("two", 1), "process two: address 127.0.10.1 is one's"),
        (row("one", 1).replace("127.0.10.1", "10.0.0.1"), "process one: address '10.0.0.1' is no loopback"),
        (row("one", 1, "colour = 3"), "process one: unknown keys colour"),
        (row("one", 1, 'stop = "SIGKILL"'), "process one: stop='SIGKILL'"),
        (row("one", 1).replace("8443", "70000"), "process one: ports: expected names with numbers"),
        (row("one", 1).replace('"tcp"', '"telnet"'), "process one: ready.kind='telnet'"),
        (row("one", 1).replace('port = "api"', 'port = "web"'), "process one: ready.port='web'"),
        (row("one", 1, 'about = "{two.api}"'), "process one: about: nothing is called {two.api}"),
        (row("one", 1, "about = 3"), "process one: about: expected text"),
        (row("one", 1, "environment = 3"), "process one: environment: expected a table of texts"),
    ],
)
def test_a_broken_table_names_the_row_and_the_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Invalid) as raised:
        load(tmp_path, text)
    assert words in raised.value.message


def test_a_missing_process_is_named_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no process 'two'; there are one"):
        _ = load(tmp_path, row("one", 1))["two"]
