"""The process table: `deploy/local/processes.toml` read, checked and filled in.

`up` and the supervisor read it; nothing else knows which processes there are. Texts may
name other parts of the table in braces: `{central.api}` is the address and port of that
name, `{central.host}` the address alone, and a word without a dot is one of the given
values (`{state}`). It must not start anything.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyrox.errors import Invalid
from services.local.places import CHECKOUT

SOURCE = CHECKOUT / "deploy" / "local" / "processes.toml"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_-]*)(?:\.([a-z0-9_-]+))?\}")
_PROBES = frozenset({"http", "https", "postgres", "tcp"})
_KEYS = frozenset(
    {"about", "address", "ports", "command", "needs", "ready", "once", "stop", "environment", "files"}
)
_STOPS = frozenset({"SIGTERM", "SIGINT"})
_PORTS = 65536
# The first three bytes of every address in the table; `--network` puts others in their place.
NETWORK = "127.0.10"


@dataclass(frozen=True, slots=True)
class Probe:
    """How to see that a process is ready."""

    kind: str
    port: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """One row, every placeholder filled in."""

    name: str
    about: str
    address: str
    ports: Mapping[str, int]
    command: tuple[str, ...]
    ready: Probe
    needs: tuple[str, ...] = ()
    once: tuple[tuple[str, ...], ...] = ()
    """Commands to run when it is ready for the first time, before others may rely on it."""
    stop: str = "SIGTERM"
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def probed(self) -> tuple[str, int]:
        """Address and port of the readiness probe."""
        return self.address, self.ports[self.ready.port]


@dataclass(frozen=True, slots=True)
class Table:
    """All processes, each after those that it needs."""

    processes: tuple[Process, ...]

    def __getitem__(self, name: str) -> Process:
        for process in self.processes:
            if process.name == name:
                return process
        known = ", ".join(process.name for process in self.processes)
        raise Invalid(f"there is no process {name!r}; there are {known}")


def load(source: Path, values: Mapping[str, str], *, network: str = NETWORK) -> Table:
    """Read the table. Raises `Invalid` that names the row and key to mend.

    `values` are what placeholders without a dot stand for; `{name}` and `{config}` of a
    row are added here from `{state}`.
    """
    try:
        rows = tomllib.loads(source.read_text(encoding="utf-8"))["process"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as err:
        raise Invalid(f"process table {source}: {err}") from err
    if not isinstance(rows, dict) or not rows:
        raise Invalid(f"process table {source}: expected tables [process.NAME]")
    rows = {name: _moved(row, network) for name, row in rows.items()}
    places = {name: _endpoints(name, row) for name, row in rows.items()}
    filled = [_process(name, row, _Fill(name, places, values)) for name, row in rows.items()]
    _distinct(filled)
    return Table(tuple(_ordered(filled)))


def _moved(row: Any, network: str) -> Any:
    """The row with its address in another network of loopback."""
    if network == NETWORK or not isinstance(row, dict):
        return row
    return {**row, "address": str(row.get("address", "")).replace(f"{NETWORK}.", f"{network}.", 1)}


def _endpoints(name: str, row: Any) -> dict[str, str]:
    """What `{name.WORD}` stands for."""
    if not _NAME.fullmatch(name) or not isinstance(row, dict):
        raise Invalid(f"process {name!r}: expected a table with a lower-case name")
    if unknown := sorted(row.keys() - _KEYS):
        raise Invalid(f"process {name}: unknown keys {', '.join(unknown)}")
    address, ports = row.get("address"), row.get("ports", {})
    try:
        loopback = ipaddress.ip_address(str(address)).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise Invalid(f"process {name}: address {address!r} is no loopback address")
    if not isinstance(ports, dict) or not all(isinstance(p, int) and 0 < p < _PORTS for p in ports.values()):
        raise Invalid(f"process {name}: ports: expected names with numbers from 1 to 65535")
    return {"host": str(address), **{word: f"{address}:{port}" for word, port in ports.items()}}


class _Fill:
    """Replaces the placeholders of one row."""

    def __init__(self, name: str, places: Mapping[str, Mapping[str, str]], values: Mapping[str, str]) -> None:
        self.name = name
        own = {"name": name, "config": f"{values.get('state', '')}/config/{name}"}
        self._values = {**values, **own}
        self._places = places

    def __call__(self, text: Any, key: str) -> str:
        if not isinstance(text, str):
            raise Invalid(f"process {self.name}: {key}: expected text, not {text!r}")
        return _PLACEHOLDER.sub(lambda found: self._value(found, key), text)

    def _value(self, found: re.Match[str], key: str) -> str:
        word, part = found.groups()
        value = self._values.get(word) if part is None else self._places.get(word, {}).get(part)
        if value is None:
            raise Invalid(f"process {self.name}: {key}: nothing is called {found[0]}")
        return value

    def words(self, value: Any, key: str) -> tuple[str, ...]:
        """A list of texts."""
        if not isinstance(value, list) or not value:
            raise Invalid(f"process {self.name}: {key}: expected a list of words")
        return tuple(self(word, key) for word in value)

    def mapping(self, value: Any, key: str) -> dict[str, str]:
        """A table of texts."""
        if not isinstance(value, dict):
            raise Invalid(f"process {self.name}: {key}: expected a table of texts")
        return {word: self(text, f"{key}.{word}") for word, text in value.items()}


def _process(name: str, row: Mapping[str, Any], fill: _Fill) -> Process:
    stop = row.get("stop", "SIGTERM")
    if stop not in _STOPS:
        raise Invalid(f"process {name}: stop={stop!r}: expected one of {', '.join(sorted(_STOPS))}")
    return Process(
        name=name,
        about=fill(row.get("about", ""), "about"),
        address=str(row["address"]),
        ports=dict(row.get("ports", {})),
        command=fill.words(row.get("command"), "command"),
        ready=_probe(name, row, fill),
        needs=tuple(fill(word, "needs") for word in row.get("needs", [])),
        once=tuple(fill.words(words, "once") for words in row.get("once", [])),
        stop=stop,
        environment=fill.mapping(row.get("environment", {}), "environment"),
        files=fill.mapping(row.get("files", {}), "files"),
    )


def _probe(name: str, row: Mapping[str, Any], fill: _Fill) -> Probe:
    words = fill.mapping(row.get("ready"), "ready")
    try:
        probe = Probe(**words)
    except TypeError as err:
        raise Invalid(f"process {name}: ready: expected kind, port and path") from err
    if probe.kind not in _PROBES:
        raise Invalid(f"process {name}: ready.kind={probe.kind!r}: expected {', '.join(sorted(_PROBES))}")
    if probe.port not in row.get("ports", {}):
        raise Invalid(f"process {name}: ready.port={probe.port!r} is none of its ports")
    return probe


def _distinct(processes: list[Process]) -> None:
    """Every process has an address of its own, as a pod has."""
    taken: dict[str, str] = {}
    for process in processes:
        if process.address in taken:
            raise Invalid(f"process {process.name}: address {process.address} is {taken[process.address]}'s")
        taken[process.address] = process.name


def _ordered(processes: list[Process]) -> list[Process]:
    """Each after those that it needs, else in the table's order."""
    left, names = list(processes), {process.name for process in processes}
    done: list[Process] = []
    for process in processes:
        if missing := sorted(set(process.needs) - names):
            raise Invalid(f"process {process.name}: needs {', '.join(missing)}, which is not in the table")
    while left:
        known = {process.name for process in done}
        free = [process for process in left if known.issuperset(process.needs)]
        if not free:
            raise Invalid(f"processes need each other in a circle: {', '.join(p.name for p in left)}")
        done += free
        left = [process for process in left if process not in free]
    return done
