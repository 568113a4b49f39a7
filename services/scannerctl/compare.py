"""`scannerctl compare --ecosystem NAME`: pairs of versions on standard input, their order on output.

Each line `A<TAB>B` gives one line, `<TAB>`-separated: the order by the exact comparator and
by the byte keys, each `<`, `=`, `>` or `?` (refused). A line that is no pair gives `?` twice
and is named on the error output; the rest goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import BinaryIO, Final

from pyrox.scan import catalogue
from pyrox.scan.compare import Pair, compare_pair, read_pair
from services.scannerctl.command import Command, Streams

MAX_LINE_BYTES: Final = 65_536
"""A longer line is no pair: a version has at most 1,024 characters. Nothing more of it is kept."""

_NAMED: Final = 20  # bad lines named one by one; the rest are counted


def lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Each line without its end; None for one that is too long, whose bytes are passed over."""
    while chunk := stream.readline(MAX_LINE_BYTES):
        if chunk.endswith(b"\n") or len(chunk) < MAX_LINE_BYTES:
            yield chunk.removesuffix(b"\n").removesuffix(b"\r")
            continue
        while chunk and not chunk.endswith(b"\n"):
            chunk = stream.readline(MAX_LINE_BYTES)
        yield None


def _flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ecosystem",
        required=True,
        choices=sorted(catalogue.schemes()),
        help="whose order: the name of a version scheme",
    )


def _run(arguments: argparse.Namespace, streams: Streams) -> int:
    scheme = catalogue.schemes()[arguments.ecosystem]
    bad = 0
    for number, line in enumerate(lines(streams.stdin), start=1):
        pair = read_pair(line)
        if isinstance(pair, Pair):
            streams.out.write(compare_pair(scheme, pair) + "\n")
            continue
        bad += 1
        streams.out.write("?\t?\n")
        if bad <= _NAMED:
            streams.err.write(f"scannerctl compare: line {number}: {pair}\n")
    if bad > _NAMED:
        streams.err.write(f"scannerctl compare: {bad} lines were no pairs; the first {_NAMED} are named\n")
    streams.out.flush()
    return 0


COMMAND: Final = Command(
    name="compare", summary="Orders pairs of versions, by comparator and by key.", flags=_flags, run=_run
)
