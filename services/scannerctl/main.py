"""The entry of `scannerctl`: one run of the command line, its errors and its exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from pyrox import env
from pyrox.errors import RoxError
from services.scannerctl import compare, connection, explain, match, sbom, scan, vex
from services.scannerctl.command import Command, Streams

COMMANDS: Final[tuple[Command, ...]] = (
    scan.COMMAND,
    match.COMMAND,
    sbom.COMMAND,
    sbom.SCAN,
    explain.COMMAND,
    explain.AFFECTED,
    vex.COMMAND,
    compare.COMMAND,
)


def parser() -> argparse.ArgumentParser:
    """The command line with every subcommand's flags."""
    root = argparse.ArgumentParser(
        prog="scannerctl", description="Asks the scanner, and shows how it decides."
    )
    connection.flags(root)
    words = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        word = words.add_parser(command.name, help=command.summary, description=command.summary)
        command.flags(word)
        word.set_defaults(run=command.run)
    return root


def run(arguments: Sequence[str], streams: Streams) -> int:
    """Run one command line; a command line that is not understood ends the process with 2."""
    chosen = parser().parse_args(arguments)
    try:
        code: int = chosen.run(chosen, streams)
    except RoxError as error:
        streams.err.write(f"scannerctl {chosen.command}: {error.message}\n")
        return 1
    except BrokenPipeError:
        return _reader_gone()
    return code


def _reader_gone() -> int:
    """The reader of the output has gone, as `head` does: nothing more may be written at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def main() -> int:
    """The process: its own arguments, streams and environment."""
    streams = Streams(stdin=sys.stdin.buffer, out=sys.stdout, err=sys.stderr, environment=env.environ())
    return run(sys.argv[1:], streams)
