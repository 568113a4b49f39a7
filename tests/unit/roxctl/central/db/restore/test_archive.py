"""A backup file as it is sent: manifest, bytes from a position on, damaged and hostile ZIPs."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from pathlib import Path

import pytest

from pyrox.pb.api.v1 import db_service_pb2 as pb
from roxctl.central.db.restore.archive import BackupFile, format_for
from roxctl.errors import CliError

RAW, DEFLATED = pb.DBExportManifest.UNCOMPREESSED, pb.DBExportManifest.DEFLATED
BOTH = (RAW, DEFLATED)
TEXT = b"text " * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ZIP with a file of each kind: stored, deflated, and packed as no server takes it."""
    made = tmp_path / "backup.zip"
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("keys/", b"")
        archive.writestr("postgres.size", b"123", zipfile.ZIP_STORED)
        archive.writestr("postgres.dump", TEXT, zipfile.ZIP_DEFLATED)
        archive.writestr("keys/ca.pem", TEXT, zipfile.ZIP_LZMA)
    return made


def inflated(data: bytes) -> bytes:
    return zlib.decompress(data, -15)


def test_manifest_tells_each_file_as_it_is_sent(path: Path) -> None:
    files = BackupFile(path, BOTH).manifest.files
    packed = zipfile.ZipFile(path).getinfo("postgres.dump").compress_size
    assert [(one.name, one.encoding, one.encoded_size, one.decoded_size) for one in files] == [
        ("postgres.size", RAW, 3, 3),
        ("postgres.dump", DEFLATED, packed, len(TEXT)),
        ("keys/ca.pem", RAW, len(TEXT), len(TEXT)),
    ]
    assert [one.decoded_crc32 for one in files] == [zlib.crc32(b"123"), zlib.crc32(TEXT), zlib.crc32(TEXT)]


def test_bytes_are_those_of_the_manifest(path: Path) -> None:
    backup = BackupFile(path, BOTH)
    sent = b"".join(backup.chunks())
    size = backup.manifest.files[1].encoded_size
    assert len(sent) == backup.body_size
    assert (sent[:3], inflated(sent[3 : 3 + size]), sent[3 + size :]) == (b"123", TEXT, TEXT)


def test_files_are_unpacked_for_a_server_that_takes_nothing_else(path: Path) -> None:
    backup = BackupFile(path, [RAW])
    assert {one.encoding for one in backup.manifest.files} == {RAW}
    assert b"".join(backup.chunks()) == b"123" + TEXT + TEXT


@pytest.mark.parametrize("position", [0, 1, 3, 4, 20, 1_000_000])
def test_bytes_go_on_from_any_position(path: Path, position: int) -> None:
    backup = BackupFile(path, BOTH)
    sent = b"".join(backup.chunks())
    assert b"".join(backup.chunks(position)) == sent[position:]


def test_checksum_is_of_what_was_sent_before(path: Path) -> None:
    backup = BackupFile(path, BOTH)
    sent = b"".join(backup.chunks())
    assert [backup.checksum(at) for at in (0, 5, len(sent))] == [
        zlib.crc32(sent[:at]) for at in (0, 5, len(sent))
    ]
    with pytest.raises(CliError, match=f"could not seek to resume position {len(sent) + 1} in data"):
        backup.checksum(len(sent) + 1)


def test_restore_of_another_backup_is_not_resumed(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("postgres.size", b"124")
    backup = BackupFile(path, BOTH)
    backup.check_same(BackupFile(path, BOTH).manifest)
    with pytest.raises(CliError, match="is of another backup file"):
        backup.check_same(BackupFile(other, BOTH).manifest)


def test_file_that_is_in_the_zip_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("postgres.size", b"1")
        archive.writestr("postgres.size", b"2")
    with pytest.raises(CliError, match=r"postgres\.size is in it twice"):
        BackupFile(path, BOTH)


def test_encrypted_file_is_refused(path: Path, tmp_path: Path) -> None:
    data = bytearray(path.read_bytes())
    directory = data.rindex(b"PK\x01\x02")
    data[directory + 8] |= 1
    bad = tmp_path / "bad.zip"
    bad.write_bytes(data)
    with pytest.raises(CliError, match="is encrypted"):
        BackupFile(bad, BOTH)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(10)])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.zip"
    path.write_bytes(content)
    with pytest.raises(CliError, match="could not create manifest from ZIP file"):
        BackupFile(path, BOTH)


def test_zip_whose_entries_are_elsewhere_is_an_error(path: Path, tmp_path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[:4] = b"XXXX"
    start = data.index(b"PK\x03\x04")
    data[start : start + 4] = b"XXXX"
    bad = tmp_path / "bad.zip"
    bad.write_bytes(data)
    backup = BackupFile(bad, BOTH)
    with pytest.raises(CliError, match="could not determine data offset"):
        list(backup.chunks())


FORMAT = pb.DBExportFormat(
    format_name="postgresv1",
    files=[
        pb.DBExportFormat.File(name="postgres.dump"),
        pb.DBExportFormat.File(name="keys/ca.pem", optional=True),
    ],
)


UNFIT = "format postgresv1 is not applicable: "


def manifest(*names: str) -> pb.DBExportManifest:
    return pb.DBExportManifest(files=[pb.DBExportManifest.File(name=name) for name in names])


@pytest.mark.parametrize("names", [("postgres.dump",), ("keys/ca.pem", "postgres.dump")])
def test_first_fitting_format_is_chosen(names: tuple[str, ...]) -> None:
    other = pb.DBExportFormat(format_name="other", files=[pb.DBExportFormat.File(name="rocks.db")])
    assert format_for(manifest(*names), [other, FORMAT]) == "postgresv1"


@pytest.mark.parametrize(
    ("names", "formats", "message"),
    [
        (("postgres.dump",), [], "the list of supported formats is empty"),
        (
            ("keys/ca.pem",),
            [FORMAT],
            "no format matched manifest: " + UNFIT + "required file postgres.dump not found in manifest",
        ),
        (
            ("postgres.dump", "z", "a"),
            [FORMAT],
            "no format matched manifest: "
            + UNFIT
            + "manifest contains files unknown to format postgresv1: a, z",
        ),
    ],
)
def test_backup_that_no_format_fits_is_told_why(
    names: tuple[str, ...], formats: list[pb.DBExportFormat], message: str
) -> None:
    with pytest.raises(CliError) as caught:
        format_for(manifest(*names), formats)
    assert str(caught.value) == message
