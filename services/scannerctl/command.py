"""What a subcommand of `scannerctl` is.

A module of this folder has one `COMMAND`, and `main.py` lists it. A subcommand writes its
result to the output it is given, and its complaints to the other one; it never touches the
process's own streams, so that tests run it as it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, TextIO


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a subcommand reads and writes, and the environment that it may ask."""

    stdin: BinaryIO
    out: TextIO
    err: TextIO
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Command:
    """A word of the command line: its flags, and what it does.

    `run` gives the exit code: 0 done, 1 failed, 2 not understood. A `pyrox.errors.RoxError`
    that it raises becomes one line on the error output and the code 1.
    """

    name: str
    summary: str
    flags: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Streams], int]
