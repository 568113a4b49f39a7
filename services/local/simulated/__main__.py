"""Start the simulated process: `python -m services.local.simulated`, as the table does."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import uvloop

from pyrox import log
from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from pyrox.service import run
from services.local.credentials import write_private
from services.local.places import Places
from services.local.simulated import app


def parse(arguments: list[str]) -> app.Config:
    """The configuration of the command line."""
    parser = argparse.ArgumentParser(prog="python -m services.local.simulated")
    parser.add_argument("--state", type=Path, required=True, help="directory of the installation")
    parser.add_argument("--registry", required=True, help="host:port of the demo registry")
    parser.add_argument("--kubernetes", required=True, help="host:port of the API server")
    parser.add_argument("--simulate", choices=("yes", "no"), default="yes", help="whether to serve a cluster")
    parser.add_argument("--sensor", default="", help="host:port that takes simulated processes")
    parser.add_argument("--deployments", type=int, default=0, help="more workloads, for tests of scale")
    parser.add_argument(
        "--service", action="append", default=[], help="namespace/name=host:port of a service"
    )
    flags = parser.parse_args(arguments)
    return app.Config(
        places=Places(flags.state),
        registry=flags.registry,
        kubernetes=flags.kubernetes if flags.simulate == "yes" else "",
        sensor=flags.sensor,
        services=dict(pair.split("=", 1) for pair in flags.service),
        deployments=flags.deployments,
    )


def main() -> int:
    """The process's exit code: 0 after a signal, 1 after a failure."""
    log.setup(process="simulated")
    config = parse(sys.argv[1:])
    try:
        components = app.build(config, SystemClock())
        if config.kubernetes:
            write_private(config.places.kubeconfig, app.kubeconfig(config).encode())
    except (RoxError, OSError, ValueError) as err:
        print(f"simulated: {err}", file=sys.stderr)
        return 1
    return uvloop.run(run(components))


if __name__ == "__main__":
    sys.exit(main())
