"""Starting Central anew after a restore, so that nothing remembers the old data.

The restore asks, `main.py` does it once everything has stopped. As upstream's
(`pkg/osutils`): the program replaces itself, so a pod does not count a crash and no
supervisor is needed; the variable RESTART_EXE names another program to become.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from pyrox import log

_LOG = log.get(__name__)
VARIABLE = "RESTART_EXE"


def _stop() -> None:
    signal.raise_signal(signal.SIGTERM)


class Restart:
    """Whether Central is to start again when it has stopped."""

    def __init__(self, *, stop: Callable[[], None] = _stop) -> None:
        self.wanted = False
        self._stop = stop

    def request(self) -> None:
        """Stop Central in its usual order and have it started again."""
        self.wanted = True
        self._stop()


def command(environment: Mapping[str, str], started_as: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """What to become: `RESTART_EXE` with our arguments, or what we were started as."""
    other = environment.get(VARIABLE, "")
    return [other, *arguments] if other else list(started_as)


def become(environment: Mapping[str, str]) -> int:
    """Replace this process; returns an exit code only when that fails."""
    wanted = command(environment, sys.orig_argv, sys.argv[1:])
    _LOG.info("starting again with the restored database", program=wanted[0])
    try:
        os.execvpe(wanted[0], wanted, dict(environment))  # noqa: S606 - no shell is wanted
    except OSError as error:
        # A pod and the local supervisor start what ends with an error.
        _LOG.error("cannot start again, ending instead", program=wanted[0], error=str(error))
    return 1
