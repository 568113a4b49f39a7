"""The status board: what the supervisor tells `up` and `status`, one JSON file.

The supervisor writes it whole after every change, the commands read it. It must not
know how processes are watched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from services.local.processes import Identity


class State(StrEnum):
    """Where a process is in its life."""

    WAITING = "waiting"
    """Those that it needs are not ready."""
    STARTING = "starting"
    PREPARING = "preparing"
    """It answers; what must be done once is being done."""
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    """It runs and does not answer as it should."""
    RESTARTING = "restarting"
    """It ended and starts again after a pause."""
    BLOCKED = "blocked"
    """Somebody else has its port."""
    STOPPED = "stopped"


@dataclass(slots=True)
class Entry:
    """One process on the board."""

    name: str
    address: str
    ports: dict[str, int]
    state: State = State.WAITING
    note: str = ""
    pid: int = 0
    start: int = 0
    """Ticks since boot, to tell the process from a later one with its id."""
    since: float = 0.0
    """Unix time of the last change of state."""
    restarts: int = 0
    was_ready: bool = False

    @property
    def identity(self) -> Identity | None:
        """The process, when it is alive."""
        found = Identity(self.pid, self.start)
        return found if self.pid and found.alive else None


@dataclass(slots=True)
class Board:
    """Everything that the supervisor says."""

    fingerprint: str
    entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether every process is healthy."""
        return bool(self.entries) and all(entry.state is State.HEALTHY for entry in self.entries.values())

    def write(self, path: Path) -> None:
        """Put it where the commands look, whole or not at all."""
        document = {
            "fingerprint": self.fingerprint,
            "processes": [asdict(entry) for entry in self.entries.values()],
        }
        scratch = path.with_suffix(".new")
        scratch.write_text(json.dumps(document, indent=1))
        scratch.replace(path)


def read(path: Path) -> Board | None:
    """The board as last written; None when there is none that can be read."""
    try:
        document = json.loads(path.read_bytes())
        entries = [_entry(row) for row in document["processes"]]
        return Board(str(document["fingerprint"]), {entry.name: entry for entry in entries})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(**{**row, "state": State(row["state"])})
