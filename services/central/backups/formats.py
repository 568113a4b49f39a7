"""What is in a backup: the names of its files, and the one format that Central takes.

Names and order are upstream's (`pkg/backup`, `formats/postgresv1`). Pure facts and the
check of a manifest against them; it must not know where the bytes come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pyrox.pb.api.v1 import db_service_pb2 as pb
from services.central.backups.errors import Refused

POSTGRES_V1 = "postgresv1"
VERSION = "migration_version.yaml"
SIZE = "postgres.size"
DUMP = "postgres.dump"
KEYS = "keys"
CA = f"{KEYS}/ca.pem"
CA_KEY = f"{KEYS}/ca-key.pem"
JWT_PEM = f"{KEYS}/jwt-key.pem"
JWT_DER = f"{KEYS}/jwt-key.der"
PASSWORD = "central-db/password"  # noqa: S105 - a file name
ENCODINGS = (pb.DBExportManifest.UNCOMPREESSED, pb.DBExportManifest.DEFLATED)
# Everything but the dump is read into memory: keys and a few words of text.
SMALL_FILE_BYTES = 1 << 20


class Use(Enum):
    """What a restore does with a file."""

    VERSION = "version"
    SIZE = "size"
    DUMP = "dump"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Kind:
    """One file that a backup may hold."""

    use: Use
    optional: bool = False


FILES: dict[str, Kind] = {
    VERSION: Kind(Use.VERSION),
    SIZE: Kind(Use.SIZE),
    DUMP: Kind(Use.DUMP),
    CA: Kind(Use.DISCARD, optional=True),
    CA_KEY: Kind(Use.DISCARD, optional=True),
    JWT_DER: Kind(Use.DISCARD, optional=True),
    JWT_PEM: Kind(Use.DISCARD, optional=True),
    PASSWORD: Kind(Use.DISCARD, optional=True),
}


def export_format() -> pb.DBExportFormat:
    """The format as clients learn it."""
    files = [pb.DBExportFormat.File(name=name, optional=kind.optional) for name, kind in FILES.items()]
    return pb.DBExportFormat(format_name=POSTGRES_V1, files=files)


def checked(header: pb.DBRestoreRequestHeader) -> Sequence[pb.DBExportManifest.File]:
    """The files in the order in which they come. Raises `Refused` for what is no backup."""
    if header.format_name != POSTGRES_V1:
        raise Refused(f'invalid DB restore format "{header.format_name[:80]}"')
    missing = dict(FILES)
    for file in header.manifest.files:
        name = file.name[:80]
        if file.encoding not in ENCODINGS:
            raise Refused(f"unsupported encoding type {_encoding(file.encoding)} for file {name}")
        # A name that comes twice is as unknown as one that no format has.
        kind = missing.pop(file.name, None)
        if kind is None:
            raise Refused(f"unknown file {name} in manifest")
        _check_sizes(file, kind)
    required = [name for name, kind in missing.items() if not kind.optional]
    if required:
        raise Refused(f"the following required files are missing from the manifest: {', '.join(required)}")
    return tuple(header.manifest.files)


def _check_sizes(file: pb.DBExportManifest.File, kind: Kind) -> None:
    if file.encoded_size < 0 or file.decoded_size < 0:
        raise Refused(f"file {file.name} has a negative size in the manifest")
    if file.encoding == pb.DBExportManifest.UNCOMPREESSED and file.encoded_size != file.decoded_size:
        raise Refused(f"file {file.name} is not compressed, yet its two sizes in the manifest differ")
    largest = max(file.encoded_size, file.decoded_size)
    if kind.use is not Use.DUMP and largest > SMALL_FILE_BYTES:
        raise Refused(
            f"file {file.name} has {largest} bytes, more than the {SMALL_FILE_BYTES} that it may have"
        )


def _encoding(number: int) -> str:
    kinds = pb.DBExportManifest.EncodingType
    return kinds.Name(kinds.ValueType(number)) if number in kinds.values() else str(number)
