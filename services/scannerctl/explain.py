"""`scannerctl explain` and `affected`: why a package is hit or not, and which images an advisory hits."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from services.scannerctl import connection, match
from services.scannerctl.command import Command, Streams


def _flags(parser: argparse.ArgumentParser) -> None:
    match.flags(parser)
    parser.add_argument("--package", default="", help="only this package, by its own or its source's name")
    parser.add_argument("--vulnerability", default="", metavar="ID", help="only this advisory")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    connection.flags(parser)


def _run(arguments: argparse.Namespace, streams: Streams) -> int:
    hash_id, contents = match.subject(arguments)
    question = match.question(
        hash_id, contents, package=arguments.package, vulnerability=arguments.vulnerability
    )
    answer = asyncio.run(_ask(arguments, "explain", question))
    if arguments.json:
        streams.out.write(json.dumps(answer, indent=2) + "\n")
    else:
        streams.out.writelines(f"{line}\n" for line in _lines(answer["explanations"]))
    return 0


async def _ask(arguments: argparse.Namespace, what: str, question: object) -> Any:
    async with connection.opened(arguments) as services:
        return await services.ask(what, question)


def _lines(explanations: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for item in explanations:
        advisory = f" {item['advisory']} ({item['source']})" if item["advisory"] else ""
        versions = f" {item['range']}" if item["range"] else ""
        yield f"{item['package']} {item['version']}: {item['outcome']}{advisory}{versions}: {item['reason']}"


def _affected_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("vulnerability", metavar="ID", help="a CVE or the id of an advisory")
    connection.flags(parser)


def _affected(arguments: argparse.Namespace, streams: Streams) -> int:
    answer = asyncio.run(_ask(arguments, "affected", {"vulnerability": arguments.vulnerability}))
    streams.out.write(json.dumps(answer, indent=2) + "\n")
    return 0


COMMAND: Final = Command(
    name="explain", summary="Says why packages are hit by advisories, and why not.", flags=_flags, run=_run
)
AFFECTED: Final = Command(
    name="affected",
    summary="Lists the images that were matched and that an advisory hits.",
    flags=_affected_flags,
    run=_affected,
)
