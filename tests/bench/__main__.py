"""All figures: `make bench`, or `python -m tests.bench NAME …` for some of them.

Each runs in a process of its own, one after the other, so that none warms up or
crowds another.
"""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Modules that the others use, no figures of their own.
_TOOLS = frozenset({"__main__", "indexing", "load", "peers", "workloads"})


def names() -> list[str]:
    """Every figure's module."""
    return [one.name for one in pkgutil.iter_modules([str(HERE)]) if one.name not in _TOOLS]


def main(wanted: list[str]) -> int:
    """Run those that are wanted, else all; 1 when one failed."""
    unknown = set(wanted) - set(names())
    if unknown:
        sys.stderr.write(f"no such figures: {', '.join(sorted(unknown))}; there are {', '.join(names())}\n")
        return 2
    failed = []
    for name in wanted or names():
        sys.stdout.write(f"== {name}\n")
        sys.stdout.flush()
        if subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        sys.stderr.write(f"failed: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
