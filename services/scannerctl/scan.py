"""`scannerctl scan`: index an image and match it; the report as upstream's command prints it."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Final

from google.protobuf.message import Message

from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2 import GetVulnerabilitiesRequest
from services.scannerctl import connection, gojson, images
from services.scannerctl.command import Command, Streams
from services.scannerctl.connection import called


def _flags(parser: argparse.ArgumentParser) -> None:
    images.flags(parser)
    parser.add_argument("--index-only", action="store_true", help="stop after indexing and print that report")
    parser.add_argument(
        "--as-of",
        default="",
        metavar="TIME",
        help="match with the advisories of that time, 2026-11-24T12:00:00Z",
    )
    connection.flags(parser)


def _run(arguments: argparse.Namespace, streams: Streams) -> int:
    streams.out.write(asyncio.run(_scan(arguments, streams)) + "\n")
    return 0


async def _scan(arguments: argparse.Namespace, streams: Streams) -> str:
    async with connection.opened(arguments) as services:
        image = await images.named(arguments, streams)
        report: Message = await images.indexed(services, image)
        if arguments.index_only:
            return gojson.dumps(report)
        if arguments.as_of:
            question = {"hash_id": image.hash_id, "as_of": arguments.as_of}
            return json.dumps(await services.ask("scan", question), indent=2)
        async with services.matcher() as matcher:
            request = GetVulnerabilitiesRequest(hash_id=image.hash_id)
            report = await called(f"matching {image.name}", matcher.GetVulnerabilities(request))
    return gojson.dumps(report)


COMMAND: Final = Command(name="scan", summary="Indexes an image and matches it.", flags=_flags, run=_run)
