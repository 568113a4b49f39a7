"""What a backup may hold: names, encodings and sizes of its manifest."""

from __future__ import annotations

import pytest

from pyrox.pb.api.v1 import db_service_pb2 as pb
from services.central.backups.errors import Refused
from services.central.backups.formats import SMALL_FILE_BYTES, checked, export_format

RAW = pb.DBExportManifest.UNCOMPREESSED
DEFLATED = pb.DBExportManifest.DEFLATED
NEEDED = ("migration_version.yaml", "postgres.size", "postgres.dump")


def file(
    name: str, size: int = 5, encoding: int = RAW, encoded: int | None = None
) -> pb.DBExportManifest.File:
    made = pb.DBExportManifest.File(name=name, decoded_size=size)
    made.encoded_size = size if encoded is None else encoded
    made.encoding = encoding  # type: ignore[assignment]  # numbers that no release has, too
    return made


def header(*files: pb.DBExportManifest.File, name: str = "postgresv1") -> pb.DBRestoreRequestHeader:
    manifest = pb.DBExportManifest(files=files)
    return pb.DBRestoreRequestHeader(format_name=name, manifest=manifest)


def test_format_names_the_needed_and_the_optional_files() -> None:
    found = export_format()
    assert found.format_name == "postgresv1"
    assert [one.name for one in found.files if not one.optional] == list(NEEDED)
    assert [one.name for one in found.files if one.optional] == [
        "keys/ca.pem",
        "keys/ca-key.pem",
        "keys/jwt-key.der",
        "keys/jwt-key.pem",
        "central-db/password",
    ]


def test_manifest_keeps_the_order_of_its_files() -> None:
    names = ["postgres.size", "postgres.dump", "keys/ca.pem", "migration_version.yaml"]
    assert [one.name for one in checked(header(*(file(name) for name in names)))] == names


def test_dump_may_be_as_large_as_a_number() -> None:
    files = [file(name) for name in NEEDED[:2]]
    assert checked(header(*files, file("postgres.dump", 2**62)))[2].decoded_size == 2**62


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (header(name="roxdbv1"), 'invalid DB restore format "roxdbv1"'),
        (header(), f"the following required files are missing from the manifest: {', '.join(NEEDED)}"),
        (header(*map(file, NEEDED), file("../../etc/passwd")), "unknown file ../../etc/passwd in manifest"),
        (header(*map(file, NEEDED), file("/keys/ca.pem")), "unknown file /keys/ca.pem in manifest"),
        (header(*map(file, NEEDED), file("postgres.size")), "unknown file postgres.size in manifest"),
        (
            header(file("postgres.size", encoding=0)),
            "unsupported encoding type UNKNOWN for file postgres.size",
        ),
        (header(file("postgres.size", encoding=77)), "unsupported encoding type 77 for file postgres.size"),
        (header(file("postgres.size", -1)), "file postgres.size has a negative size in the manifest"),
        (
            header(file("postgres.dump", 5, encoded=6)),
            "file postgres.dump is not compressed, yet its two sizes in the manifest differ",
        ),
        (
            header(file("keys/ca.pem", SMALL_FILE_BYTES + 1, DEFLATED, 3)),
            "file keys/ca.pem has 1048577 bytes, more than the 1048576 that it may have",
        ),
    ],
)
def test_manifest_that_is_no_backup_is_refused(made: pb.DBRestoreRequestHeader, message: str) -> None:
    with pytest.raises(Refused) as caught:
        checked(made)
    assert caught.value.message == message
    assert caught.value.CODE == 9
