"""Memory of every process of `make up`: `python -m tests.bench.memory`.

Called by `make bench`. A whole installation of its own on the simulated cluster, looked
at once its cluster is healthy and again after a minute of its usual life. Proportional
set sizes, each process with its children; the limit is for all but PostgreSQL.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.local import board, processes
from services.local.places import CHECKOUT, Places

NETWORK = "127.0.233"
LIFE_SECONDS = 60
LIMIT_MIB = 900
_MEBI = 1024 * 1024
_DATABASE = "central-db"


@contextmanager
def installation() -> Iterator[Places]:
    """A whole installation, ended afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        places = Places(Path(directory))
        try:
            begin = time.monotonic()
            _local(places, "up")
            sys.stdout.write(f"first start, libraries and portal there: {time.monotonic() - begin:.1f} s\n")
            yield places
        finally:
            _local(places, "down")


def _local(places: Places, verb: str) -> None:
    flags = ["--state", str(places.state), "--network", NETWORK]
    command = [sys.executable, "-m", "services", "local", verb, *flags]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=400, check=False)
    if done.returncode:
        raise SystemExit(f"{verb} failed:\n{done.stdout}{done.stderr}")


def sizes(places: Places) -> dict[str, int]:
    """Bytes by row of the table."""
    found = board.read(places.board)
    if found is None:
        raise SystemExit(f"no installation runs in {places.state}")
    return {
        name: sum(processes.memory(pid) for pid in processes.group(entry.pid))
        for name, entry in found.entries.items()
    }


def main() -> int:
    """Print a line for each process and one for all; 1 above the limit."""
    with installation() as places:
        first = sizes(places)
        time.sleep(LIFE_SECONDS)
        later = sizes(places)
    for name, size in later.items():
        sys.stdout.write(f"{name}: {size / _MEBI:.0f} MiB, {first[name] / _MEBI:.0f} MiB when ready\n")
    total = sum(size for name, size in later.items() if name != _DATABASE) / _MEBI
    sys.stdout.write(
        f"all but PostgreSQL: {total:.0f} MiB, limit {LIMIT_MIB} MiB, ratio {total / LIMIT_MIB:.2f}\n"
    )
    return 0 if total <= LIMIT_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
