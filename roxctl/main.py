"""The entry of `roxctl`: one run of the command line, its errors and its exit code."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

import click

from pyrox.env import environ
from roxctl.app import App, SystemTimer
from roxctl.cli import Group, UnknownCommand, refusal
from roxctl.console import Console
from roxctl.errors import CliError

if TYPE_CHECKING:
    from roxctl.central_client import Timer

_TREE = {
    "central": "roxctl.central",
    "cluster": "roxctl.cluster",
    "completion": "roxctl.completion",
    "deployment": "roxctl.deployment",
    "helm": "roxctl.helm",
    "image": "roxctl.image",
    "policy": "roxctl.policy",
    "sbom": "roxctl.sbom",
    "scanner": "roxctl.scanner",
    "sensor": "roxctl.sensor",
    "version": "roxctl.version",
}


def root() -> Group:
    """The command `roxctl` itself."""
    return Group("roxctl", "Command line client of PyRox, for people and for CI.", _TREE)


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    out: TextIO,
    err: TextIO,
    stdin: TextIO,
    timer: Timer | None = None,
) -> int:
    """Run one command line; its exit code: 0, or 1 for every failure."""
    color = "--no-color" not in arguments and not environment.get("ROX_NO_COLOR")
    console = Console(out=out, err=err, stdin=stdin, color=color)
    app = App(console=console, environment=environment, timer=timer or SystemTimer())
    if list(arguments[:1]) == ["help"]:
        arguments = [*arguments[1:], "--help"]
    try:
        root().main(args=list(arguments), prog_name="roxctl", standalone_mode=False, obj=app)
    except click.exceptions.Exit as stop:
        return 1 if stop.exit_code else 0
    except click.UsageError as error:
        console.error(refusal(error))
    except UnknownCommand as error:
        console.error(str(error))
        console.error(error.usage)
    except CliError as error:
        console.error(str(error))
    except (click.Abort, KeyboardInterrupt):
        console.error("interrupted")
    except BrokenPipeError:
        # The reader of the output has gone, as `head` does.
        return 1
    else:
        return 0
    return 1


@contextlib.contextmanager
def _streams(environment: Mapping[str, str]) -> Iterator[tuple[TextIO, TextIO]]:
    """Standard output and error, or the files that `ROX_STDOUT` and `ROX_STDERR` name."""
    with contextlib.ExitStack() as stack:
        streams = []
        for variable, standard in (("ROX_STDOUT", sys.stdout), ("ROX_STDERR", sys.stderr)):
            name = environment.get(variable)
            streams.append(stack.enter_context(open(name, "w", encoding="utf-8")) if name else standard)  # noqa: PTH123 - closed by the stack
        yield streams[0], streams[1]


def main() -> None:
    """Run with the process's arguments and exit."""
    environment = environ()
    try:
        with _streams(environment) as (out, err):
            code = run(sys.argv[1:], environment=environment, out=out, err=err, stdin=sys.stdin)
            out.flush()
    except OSError as error:
        sys.stderr.write(f"ERROR:\tcannot write the output: {error}; check ROX_STDOUT and ROX_STDERR\n")
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    main()
