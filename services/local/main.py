"""`python -m services local up | down | status | logs | apply | policy`: PyRox on one machine.

`make up` and its siblings call it. Without `KUBECONFIG` the watched cluster is a
simulated one; see docs/how-to/try-it-locally.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pyrox import env, log
from pyrox.clock import Clock, SystemClock
from pyrox.errors import RoxError
from services.local import commands, table
from services.local.launch import Installation, Options
from services.local.places import Places

KUBECONFIG = env.Setting("KUBECONFIG", env.text, "", "a cluster to watch instead of the simulated one")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m services local", description="PyRox on this machine")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--state", type=Path, default=Places.default().state, help="directory of everything")
    shared.add_argument("--table", type=Path, default=table.SOURCE, help="the process table")
    shared.add_argument(
        "--network", default=table.NETWORK, help="first three bytes of the loopback addresses"
    )
    shared.add_argument("--deployments", type=int, default=0, help="more workloads in the simulated cluster")
    shared.add_argument("--kubeconfig", type=Path, default=None, help="as KUBECONFIG")
    verbs = made.add_subparsers(dest="verb", required=True)
    for verb, about in (
        ("up", "start everything and wait until it is ready"),
        ("down", "end everything; data stay"),
        ("status", "every process and its health"),
        ("supervise", "be the supervisor (used by up)"),
    ):
        verbs.add_parser(verb, parents=[shared], help=about)
    reader = verbs.add_parser("logs", parents=[shared], help="the latest lines of all logs, or of one")
    reader.add_argument("names", nargs="*", metavar="NAME")
    writer = verbs.add_parser("apply", parents=[shared], help="apply a manifest to the simulated cluster")
    writer.add_argument("file", type=Path)
    switch = verbs.add_parser("policy", parents=[shared], help="switch a policy of Central on or off")
    switch.add_argument("policy", metavar="NAME")
    switch.add_argument("position", choices=("on", "off"))
    return made


def options_of(flags: argparse.Namespace, environment: Mapping[str, str]) -> Options:
    """The installation that the flags mean."""
    named = flags.kubeconfig or (Path(text) if (text := KUBECONFIG.read(environment)) else None)
    places = Places(flags.state.absolute())
    # The kubeconfig that we wrote leads to the simulated cluster: it asks for nothing else.
    if named is not None and named.absolute() == places.kubeconfig:
        named = None
    return Options(
        places=places,
        source=flags.table.absolute(),
        network=flags.network,
        kubeconfig=named.absolute() if named else None,
        deployments=flags.deployments,
    )


def _run(flags: argparse.Namespace, installation: Installation, clock: Clock) -> int:
    verbs: Mapping[str, Callable[[], int]] = {
        "up": lambda: commands.up(installation, clock),
        "down": lambda: commands.down(installation),
        "status": lambda: commands.status(installation),
        "logs": lambda: commands.logs(installation, flags.names),
        "apply": lambda: commands.apply(installation, flags.file),
        "policy": lambda: commands.policy(installation, flags.policy, on=flags.position == "on"),
        "supervise": lambda: commands.supervise(installation),
    }
    return verbs[flags.verb]()


def main() -> int:
    """The exit code: 0 when done, 1 when it did not work, 2 for a command that cannot be read."""
    flags = parser().parse_args()
    log.setup(process="local")
    clock, environment = SystemClock(), env.environ()
    try:
        installation = Installation(options_of(flags, environment), clock=clock, environment=environment)
        return _run(flags, installation, clock)
    except (RoxError, OSError) as err:
        print(f"local: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what was started goes on: `make status`, `make down`", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
