"""The built-in integration with Scanner V4: fixed, and never created by hand."""

from __future__ import annotations

from pyrox.pb.storage.image_integration_pb2 import ImageIntegration, ImageIntegrationCategory
from pyrox.pb.storage.image_pb2 import DataSource

# Upstream pkg/scanners/scannerv4: the id of the integration that Helm's scanner gets.
ID = "a87471e6-9678-4e66-8348-91e302b6de07"
NAME = "Scanner V4"
TYPE = "scannerv4"


def integration(indexer: str, matcher: str) -> ImageIntegration:
    """The integration as lists show it."""
    made = ImageIntegration(
        id=ID,
        name=NAME,
        type=TYPE,
        categories=[ImageIntegrationCategory.SCANNER, ImageIntegrationCategory.NODE_SCANNER],
    )
    made.scanner_v4.indexer_endpoint, made.scanner_v4.matcher_endpoint = indexer, matcher
    return made


def data_source() -> DataSource:
    """Who made a scan."""
    return DataSource(id=ID, name=NAME)
