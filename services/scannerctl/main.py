"""The entry of `scannerctl`: one run of the command line, its errors and its exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from pyrox import env
from pyrox.errors import RoxError
from services.scannerctl.command import Command, Streams

COMMANDS: Final = (
    "scan.COMMAND",
    "index.COMMAND",
    "match.COMMAND",
    "sbom.COMMAND",
    "sbom.SCAN",
    "explain.COMMAND",
    "explain.AFFECTED",
    "vex.COMMAND",
    "compare.COMMAND",
)
"""Where each command stands, by module and name."""
# These ask no service: they start without loading what speaks to services.
_ALONE: Final = frozenset(("index", "compare"))


def commands(word: str = "") -> list[Command]:
    """Every command; when `word` is one that asks no service, only that."""
    places = [place.split(".") for place in COMMANDS]
    if word in _ALONE:
        places = [place for place in places if place[0] == word]
    return [getattr(import_module(f"services.scannerctl.{module}"), name) for module, name in places]


def parser(word: str = "") -> argparse.ArgumentParser:
    """The command line with every subcommand's flags; `word` is its first one."""
    root = argparse.ArgumentParser(
        prog="scannerctl", description="Asks the scanner, and shows how it decides."
    )
    if word not in _ALONE:
        import_module("services.scannerctl.connection").flags(root)
    words = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in commands(word):
        one = words.add_parser(command.name, help=command.summary, description=command.summary)
        command.flags(one)
        one.set_defaults(run=command.run)
    return root


def run(arguments: Sequence[str], streams: Streams) -> int:
    """Run one command line; a command line that is not understood ends the process with 2."""
    chosen = parser(arguments[0] if arguments else "").parse_args(arguments)
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
