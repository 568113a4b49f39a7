"""`scannerctl sbom`: the bill of materials of an image; `scan-sbom`: the report for a document."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Final
from uuid import uuid4

from pyrox.clock import SystemClock
from pyrox.errors import Invalid
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2 import GetSBOMRequest, ScanSBOMRequest
from pyrox.scan.codec import from_contents
from pyrox.scan.sbom import cyclonedx, reading
from pyrox.scan.sbom.document import Document
from pyrox.version import WIRE_VERSION
from services.scannerctl import connection, gojson, images
from services.scannerctl.command import Command, Streams
from services.scannerctl.connection import called
from services.scannerctl.images import Image


def _flags(parser: argparse.ArgumentParser) -> None:
    images.flags(parser)
    parser.add_argument("--skip-indexing", action="store_true", help="only take a report that is stored")
    parser.add_argument(
        "--format", choices=["spdx", "cyclonedx"], default="spdx", help="SPDX 2.3 or CycloneDX 1.6"
    )
    connection.flags(parser)


def _run(arguments: argparse.Namespace, streams: Streams) -> int:
    streams.out.write(asyncio.run(_write(arguments, streams)) + "\n")
    return 0


async def _write(arguments: argparse.Namespace, streams: Streams) -> str:
    async with connection.opened(arguments) as services:
        image = await images.named(arguments, streams)
        if arguments.skip_indexing:
            report = await images.stored(services, image.hash_id)
        else:
            report = await images.indexed(services, image)
        if arguments.format == "cyclonedx":
            return _cyclonedx(image, report.contents)
        request = GetSBOMRequest(
            id=image.digest, name=image.name, uri=_address(image), contents=report.contents
        )
        async with services.matcher() as matcher:
            answer = await called(f"SBOM of {image.name}", matcher.GetSBOM(request))
    return bytes(answer.sbom).decode()


def _address(image: Image) -> str:
    """An address of the document's own, of the form that Central gives."""
    reference = image.url.reference
    return f"https://{reference.registry}/{reference.repository}-{uuid4()}"


def _cyclonedx(image: Image, contents: Contents) -> str:
    document = Document(
        name=image.digest,
        subject=image.name,
        namespace=_address(image),
        created=SystemClock().now(),
        tool="scannerctl",
        tool_version=WIRE_VERSION,
    )
    return cyclonedx.write(from_contents(contents), document).decode()


def _scan_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="an SPDX 2.x or CycloneDX 1.x document as JSON")
    parser.add_argument("--media-type", default="", help="of the document, when its own fields do not tell")
    connection.flags(parser)


def _scan_run(arguments: argparse.Namespace, streams: Streams) -> int:
    path = Path(arguments.file)
    try:
        raw = path.read_bytes()
        media_type = arguments.media_type or reading.media_type_of(raw)
    except OSError as error:
        raise Invalid(f"{path}: {error.strerror}") from error
    except reading.InvalidDocument as error:
        raise Invalid(f"{path}: {error}") from error
    request = ScanSBOMRequest(sbom=raw, media_type=media_type)
    streams.out.write(asyncio.run(_scan(arguments, request)) + "\n")
    return 0


async def _scan(arguments: argparse.Namespace, request: ScanSBOMRequest) -> str:
    async with connection.opened(arguments) as services, services.matcher() as matcher:
        answer = await called(f"scanning {arguments.file}", matcher.ScanSBOM(request))
    return gojson.dumps(answer.vulnerability_report)


COMMAND: Final = Command(name="sbom", summary="Writes an image's bill of materials.", flags=_flags, run=_run)
SCAN: Final = Command(
    name="scan-sbom", summary="Matches a bill of materials.", flags=_scan_flags, run=_scan_run
)
