"""What a scan could not see, in whole sentences. Pure."""

from __future__ import annotations

from types import MappingProxyType

from pyrox.pb.storage.image_pb2 import ImageScan
from pyrox.pb.storage.image_v2_pb2 import ImageV2

_OF_IMAGE = MappingProxyType(
    {
        ImageV2.MISSING_METADATA: "The registry gave no metadata of this image, so its layers are unknown.",
        ImageV2.MISSING_SCAN_DATA: "This image has no scan result.",
    }
)
_OF_SCAN = MappingProxyType(
    {
        ImageScan.OS_UNAVAILABLE: "The operating system of this image could not be recognised.",
        ImageScan.PARTIAL_SCAN_DATA: "Only a part of this image could be scanned.",
        ImageScan.OS_CVES_UNAVAILABLE: (
            "There is no vulnerability data for the operating system of this image."
        ),
        ImageScan.OS_CVES_STALE: (
            "The vulnerability data for the operating system of this image is no longer updated."
        ),
        ImageScan.LANGUAGE_CVES_UNAVAILABLE: (
            "There is no vulnerability data for language packages in this image."
        ),
        ImageScan.CERTIFIED_RHEL_SCAN_UNAVAILABLE: (
            "Red Hat packages of this image could not be matched with Red Hat's own data."
        ),
    }
)


def sentences(image: ImageV2) -> list[str]:
    """One sentence for each kind of thing that the scan did not see; empty when it saw all."""
    found = [_OF_IMAGE[note] for note in image.notes if note in _OF_IMAGE]
    found += [_OF_SCAN[note] for note in image.scan.notes if note in _OF_SCAN]
    return list(dict.fromkeys(found))
