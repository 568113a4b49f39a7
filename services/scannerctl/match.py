"""`scannerctl match`: match a stored index report, or one in a file, without the image.

With `--full` the answer has coverage, the statements that ended hits, and, with `--as-of`,
what was known at that time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any, Final

from google.protobuf import json_format

from pyrox.errors import Invalid
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2 import GetVulnerabilitiesRequest
from services.scannerctl import connection, gojson, images
from services.scannerctl.command import Command, Streams
from services.scannerctl.connection import Connection, called

_MAX_FILE: Final = 256 * 1024 * 1024


def flags(parser: argparse.ArgumentParser) -> None:
    """A stored report or a file; `explain` has them too."""
    parser.add_argument(
        "hash", nargs="?", default="", metavar="DIGEST", help="the image whose report is stored"
    )
    parser.add_argument(
        "--index-report-file",
        default="",
        metavar="FILE",
        help="an index report as JSON, as scan --index-only prints it",
    )


def _flags(parser: argparse.ArgumentParser) -> None:
    flags(parser)
    parser.add_argument("--as-of", default="", metavar="TIME", help="match with the advisories of that time")
    parser.add_argument("--full", action="store_true", help="print coverage and overruled hits too, as JSON")
    connection.flags(parser)


def subject(arguments: argparse.Namespace) -> tuple[str, Contents | None]:
    """What the command line chooses: an image's id, and contents when they stand in a file."""
    if not arguments.index_report_file:
        if not arguments.hash:
            raise Invalid("name an image by its digest, or a file with --index-report-file")
        return images.hash_of(arguments.hash), None
    path = Path(arguments.index_report_file)
    try:
        if path.stat().st_size > _MAX_FILE:
            raise Invalid(f"{path}: longer than {_MAX_FILE} bytes")
        report = json_format.Parse(path.read_bytes(), IndexReport(), ignore_unknown_fields=True)
    except OSError as error:
        raise Invalid(f"{path}: {error.strerror}") from error
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"{path}: no index report: {error}") from error
    hash_id = images.hash_of(arguments.hash) if arguments.hash else report.hash_id
    return hash_id, report.contents


def question(hash_id: str, contents: Contents | None, **more: str) -> dict[str, Any]:
    """The same as a question to the Matcher's JSON routes."""
    asked: dict[str, Any] = {"hash_id": hash_id, **{name: text for name, text in more.items() if text}}
    if contents is not None:
        asked["contents"] = json_format.MessageToDict(contents, preserving_proto_field_name=True)
    return asked


def _run(arguments: argparse.Namespace, streams: Streams) -> int:
    streams.out.write(asyncio.run(_match(arguments)) + "\n")
    return 0


async def _match(arguments: argparse.Namespace) -> str:
    hash_id, contents = subject(arguments)
    async with connection.opened(arguments) as services:
        if arguments.as_of or arguments.full:
            answer = await services.ask("scan", question(hash_id, contents, as_of=arguments.as_of))
            return json.dumps(answer, indent=2)
        return await _report(services, hash_id, contents)


async def _report(services: Connection, hash_id: str, contents: Contents | None) -> str:
    request = GetVulnerabilitiesRequest(hash_id=hash_id)
    if contents is not None:
        request.contents.CopyFrom(contents)
    async with services.matcher() as matcher:
        return gojson.dumps(await called(f"matching {hash_id}", matcher.GetVulnerabilities(request)))


COMMAND: Final = Command(name="match", summary="Matches a stored index report.", flags=_flags, run=_run)
