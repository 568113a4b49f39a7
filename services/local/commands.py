"""The commands of `python -m services local`: what a person types and sees.

`main` parses the flags and calls one of these; each returns an exit code.
"""

from __future__ import annotations

import signal
import sys
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from pyrox.clock import Clock
from pyrox.errors import RoxError
from services.local import starter
from services.local.apply import Cluster, manifests
from services.local.central import opened
from services.local.launch import Installation
from services.local.progress import Progress, status_table
from services.local.tryout import commands_to_try

_POLL_SECONDS = 0.2
_READY_SECONDS = 330.0
_SUPERVISOR_SECONDS = 30.0
_LOG_LINES = 20


def up(installation: Installation, clock: Clock) -> int:
    """Start everything and wait until all is ready; 1 when it does not come to that."""
    began = clock.monotonic()
    _say("preparing certificates, passwords and advisories")
    installation.prepare()
    starter.write(installation.places.definitions, clock)
    installation.start()
    progress, said = Progress(), clock.monotonic()
    while True:
        elapsed = clock.monotonic() - began
        board = installation.board()
        if board is None and elapsed > _SUPERVISOR_SECONDS and installation.supervisor() is None:
            _say(f"the supervisor does not run; see {installation.places.log('supervisor')}")
            return 1
        if board is not None:
            for line in progress.lines(board, elapsed):
                said = clock.monotonic()
                _say(line)
            if board.ready:
                _say(f"\neverything is ready after {elapsed:.0f} s\n")
                _say(commands_to_try(installation))
                return 0
            if clock.monotonic() - said > 5:
                said = clock.monotonic()
                _say(f"[{elapsed:5.1f}s] {progress.waiting(board)}")
        if elapsed > _READY_SECONDS:
            _say("not everything got ready; see `make status` and `make logs`")
            return 1
        signal.sigtimedwait([], _POLL_SECONDS)


def down(installation: Installation) -> int:
    """End everything; data stay."""
    left = installation.stop()
    _say("nothing of PyRox runs any more" + (f" ({left} leftover processes ended)" if left else ""))
    return 0


def status(installation: Installation) -> int:
    """Print every process and its health; 1 unless all are healthy."""
    board = installation.board()
    if board is None:
        _say("PyRox does not run here; start it with `make up`")
        return 1
    for line in status_table(board, installation.memory()):
        _say(line)
    alive = all(entry.identity is not None for entry in board.entries.values())
    return 0 if board.ready and alive else 1


def logs(installation: Installation, names: Iterable[str]) -> int:
    """Print the latest lines of some logs, or of all."""
    folder = installation.places.log("x").parent
    wanted = list(names)
    paths = [folder / f"{name}.log" for name in wanted] if wanted else sorted(folder.glob("*.log"))
    code = 0
    for path in paths:
        if not path.is_file():
            known = ", ".join(sorted(found.stem for found in folder.glob("*.log"))) or "none yet"
            print(f"no log of {path.stem}; there are {known}", file=sys.stderr)
            code = 1
            continue
        _say(f"==> {path} <==")
        for line in _tail(path, _LOG_LINES if not wanted else 10 * _LOG_LINES):
            print(line, end="")
    return code


def apply(installation: Installation, file: Path) -> int:
    """Apply a manifest to the simulated cluster, as kubectl would; 1 when it is refused."""
    cluster = Cluster(installation.places.kubeconfig)
    accepted = [cluster.apply(manifest, file, _say) for manifest in manifests(file)]
    return 0 if all(accepted) else 1


def policy(installation: Installation, name: str, *, on: bool) -> int:
    """Switch a policy on or off; 1 when there is none of that name."""
    row = installation.options.table()["central"]
    with opened(installation.places, f"{row.address}:{row.ports['api']}") as central:
        for known in central.get("/v1/policies")["policies"]:
            if known["name"] == name:
                central.patch(f"/v1/policies/{known['id']}", {"disabled": not on})
                _say(f'policy "{name}" is {"on" if on else "off"}')
                return 0
    print(f'there is no policy "{name}"', file=sys.stderr)
    return 1


def supervise(installation: Installation) -> int:
    """Be the supervisor."""
    try:
        installation.supervise()
    except RoxError as err:
        print(f"supervisor: {err}", file=sys.stderr)
        return 1
    return 0


def _tail(path: Path, count: int) -> Iterable[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        return list(deque(file, maxlen=count))


def _say(text: str) -> None:
    print(text, flush=True)
