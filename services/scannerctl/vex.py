"""`scannerctl vex`: add, list and delete the OpenVEX documents that the Matcher applies."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pyrox.errors import Invalid
from services.scannerctl import connection
from services.scannerctl.command import Command, Streams


def _flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["add", "list", "delete"])
    parser.add_argument(
        "subject", nargs="?", default="", metavar="FILE|ID", help="the file to add, the id to delete"
    )
    connection.flags(parser)


def _run(arguments: argparse.Namespace, streams: Streams) -> int:
    if arguments.action != "list" and not arguments.subject:
        raise Invalid(
            f"{arguments.action} what? name a {'file' if arguments.action == 'add' else 'document id'}"
        )
    streams.out.write(json.dumps(asyncio.run(_do(arguments, _document(arguments))), indent=2) + "\n")
    return 0


def _document(arguments: argparse.Namespace) -> bytes:
    if arguments.action != "add":
        return b""
    try:
        return Path(arguments.subject).read_bytes()
    except OSError as error:
        raise Invalid(f"{arguments.subject}: {error.strerror}") from error


async def _do(arguments: argparse.Namespace, document: bytes) -> Any:
    async with connection.opened(arguments) as services:
        if arguments.action == "list":
            return await services.ask("vex", document, method="GET")
        if arguments.action == "delete":
            return await services.ask(
                f"vex?id={quote(arguments.subject, safe='')}", document, method="DELETE"
            )
        return await services.ask("vex", document)


COMMAND: Final = Command(
    name="vex", summary="Keeps statements that end hits (OpenVEX).", flags=_flags, run=_run
)
