"""`python -m services NAME [flags]`: start one process by its name.

One of two dynamic imports in the repository (see docs/adr/0011): a process must not load the code of another.
"""

from __future__ import annotations

import importlib
import sys

# Process name to module; each has a function `main() -> int`.
PROCESSES = {
    "bootstrap": "services.bootstrap.main",
    "central": "services.central.main",
    "sensor": "services.sensor.main",
    "admission": "services.admission.main",
    "collector": "services.collector.main",
    "config_controller": "services.config_controller.main",
    "compliance": "services.compliance.main",
    "scanner_indexer": "services.scanner_indexer.main",
    "scanner_matcher": "services.scanner_matcher.main",
    "local": "services.local.main",
    "scannerctl": "services.scannerctl.main",
}


def main() -> int:
    """Hand over to the named process; 2 when there is none of that name."""
    if len(sys.argv) < 2 or sys.argv[1] not in PROCESSES:
        print(f"usage: python -m services {{{','.join(PROCESSES)}}} [flags]", file=sys.stderr)  # noqa: T201
        return 2
    name = sys.argv.pop(1)
    code: int = importlib.import_module(PROCESSES[name]).main()
    return code


if __name__ == "__main__":
    sys.exit(main())
