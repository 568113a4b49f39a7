"""`scannerctl index`: index an image in this process, without Indexer, Matcher or database.

The image comes from a registry, or from an archive as `docker save` and OCI tools write it. The
report is the one that `match --index-report-file` takes. Red Hat's mapping files are Central's
to give, so that packages of Red Hat's images have no CPEs here; a note says so.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyrox.clock import SystemClock
from pyrox.errors import Invalid
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.registry.client import Endpoint, RegistryClient
from pyrox.registry.manifest import Manifest
from pyrox.registry.names import Reference, parse_image_url
from pyrox.registry.transport import Tls
from pyrox.scan.catalogue import detectors
from pyrox.scan.coalesce import coalesce
from pyrox.scan.codec import to_contents
from pyrox.scan.layerfile import read_layer_file
from pyrox.scan.model import LayerFinds, Note, NoteKind
from pyrox.scan.notes import to_text
from pyrox.scan.repositories import Mappings, resolve, wanted
from services.scannerctl import archives, gojson, layers, places
from services.scannerctl.command import Command, Streams

# One image makes values without cycles, and then the process ends.
_COLLECT_AFTER: Final = 1_000_000
_UNMAPPED: Final = Note(
    NoteKind.UNSUPPORTED,
    "",
    "Red Hat's mapping files are not asked for here: no CPEs, scan it by the Indexer",
)


@dataclass(frozen=True, slots=True)
class Indexed:
    """An image's id and what its layers hold, the lowest first."""

    hash_id: str
    layers: list[LayerFinds]


def _flags(parser: argparse.ArgumentParser) -> None:
    places.flags(parser, required=False)
    parser.add_argument(
        "--archive", default="", metavar="FILE", help="an archive instead of a registry's image"
    )
    parser.add_argument(
        "--registry-ca", default="", metavar="FILE", help="a CA of the registry, beside the machine's own"
    )
    parser.add_argument(
        "--registry-insecure", action="store_true", help="do not verify the registry's certificate"
    )


def _run(arguments: argparse.Namespace, streams: Streams) -> int:
    gc.set_threshold(_COLLECT_AFTER)
    if bool(arguments.image) == bool(arguments.archive):
        raise Invalid("name either an image or an --archive")
    if arguments.archive:
        indexed = from_archive(Path(arguments.archive))
    else:
        indexed = _from_registry(arguments, streams)
    streams.out.write(gojson.dumps(report_of(indexed)) + "\n")
    return 0


def report_of(indexed: Indexed) -> IndexReport:
    """The layers laid over each other, as the Indexer's message."""
    unmapped = wanted(indexed.layers)
    report = coalesce(resolve(indexed.layers, Mappings()) if unmapped else indexed.layers)
    return IndexReport(
        hash_id=indexed.hash_id,
        state="IndexFinished",
        success=True,
        err=to_text((*((_UNMAPPED,) if unmapped else ()), *report.notes)),
        contents=to_contents(report),
    )


def from_archive(path: Path) -> Indexed:
    """Index the image of an archive. Raises `Invalid` when it is none."""
    image = archives.opened(path)
    found: dict[str, LayerFinds] = {}
    for layer in image.layers:
        if layer.digest not in found:
            found[layer.digest] = read_layer_file(layer.open, layer.size, layer.digest, detectors())
    return Indexed(places.HASH_PREFIX + image.digest, [found[layer.digest] for layer in image.layers])


def _from_registry(arguments: argparse.Namespace, streams: Streams) -> Indexed:
    url = parse_image_url(arguments.image)
    credentials = places.credentials(arguments.auth or streams.environment.get(places.AUTH, ""))
    ca = Path(arguments.registry_ca).read_text() if arguments.registry_ca else ""
    tls = Tls(verify=not arguments.registry_insecure, ca_pem=ca)
    endpoint = Endpoint(url.reference.registry, url.scheme, credentials, tls)
    manifest = asyncio.run(_manifest(endpoint, url.reference))
    found = layers.read_all(layers.Place(endpoint, url.reference.repository), manifest.layers)
    digest = arguments.digest or manifest.digest
    return Indexed(places.HASH_PREFIX + digest, [found[layer.digest] for layer in manifest.layers])


async def _manifest(endpoint: Endpoint, reference: Reference) -> Manifest:
    async with RegistryClient(endpoint, clock=SystemClock()) as registry:
        return await registry.resolve(reference)


COMMAND: Final = Command(
    name="index", summary="Indexes an image in this process, without any service.", flags=_flags, run=_run
)
