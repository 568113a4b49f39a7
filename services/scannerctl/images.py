"""An image on the command line: its address, its credentials, its digest, its index report."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from pyrox.clock import SystemClock
from pyrox.errors import Invalid
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2 import (
    ContainerImageLocator,
    GetIndexReportRequest,
    GetOrCreateIndexReportRequest,
)
from pyrox.registry.auth import Credentials
from pyrox.registry.client import Endpoint, RegistryClient
from pyrox.registry.names import ImageUrl, is_digest, parse_image_url
from services.scannerctl.command import Streams
from services.scannerctl.connection import Connection, called
from services.scannerctl.places import AUTH, HASH_PREFIX, flags
from services.scannerctl.places import credentials as credentials_of

__all__ = ["HASH_PREFIX", "Image", "flags", "hash_of", "indexed", "named", "stored"]


@dataclass(frozen=True, slots=True)
class Image:
    """An image whose digest is known."""

    url: ImageUrl
    digest: str
    credentials: Credentials

    @property
    def hash_id(self) -> str:
        """Its id in the scanner's API."""
        return HASH_PREFIX + self.digest

    @property
    def name(self) -> str:
        """Registry, repository, and tag or digest."""
        return str(self.url.reference)

    @property
    def locator(self) -> ContainerImageLocator:
        """Where the Indexer fetches it, by its digest."""
        reference = self.url.reference
        return ContainerImageLocator(
            url=f"{self.url.scheme}://{reference.registry}/{reference.repository}@{self.digest}",
            username=self.credentials.username,
            password=self.credentials.password,
        )


async def named(arguments: argparse.Namespace, streams: Streams) -> Image:
    """The image of the command line; the registry is asked for its digest unless it is given."""
    url = parse_image_url(arguments.image)
    credentials = credentials_of(arguments.auth or streams.environment.get(AUTH, ""))
    digest = arguments.digest or url.reference.digest
    if not digest:
        endpoint = Endpoint(url.reference.registry, url.scheme, credentials)
        async with RegistryClient(endpoint, clock=SystemClock()) as registry:
            digest = (await registry.resolve(url.reference)).digest
        streams.err.write(f"image digest: {digest}\n")
    if not is_digest(digest):
        raise Invalid(f"digest {digest[:100]!r}: expected sha256: and 64 hexadecimal digits")
    return Image(url, digest, credentials)


def hash_of(text: str) -> str:
    """The id of a stored report: `/v4/containerimage/sha256:…` or the digest alone."""
    if text.startswith(HASH_PREFIX):
        return text
    if not is_digest(text):
        raise Invalid(f"{text[:100]!r}: give a digest, sha256: and 64 hexadecimal digits, or a hash id")
    return HASH_PREFIX + text


async def indexed(connection: Connection, image: Image) -> IndexReport:
    """The image's index report, made when there is none."""
    request = GetOrCreateIndexReportRequest(hash_id=image.hash_id, container_image=image.locator)
    async with connection.indexer() as indexer:
        return await called(f"indexing {image.name}", indexer.GetOrCreateIndexReport(request))


async def stored(connection: Connection, hash_id: str) -> IndexReport:
    """The index report that is stored; those of secured clusters too."""
    request = GetIndexReportRequest(hash_id=hash_id, includeExternal=True)
    async with connection.indexer() as indexer:
        report: Any = await called(f"index report of {hash_id}", indexer.GetIndexReport(request))
        return report  # type: ignore[no-any-return]  # the stub is untyped
