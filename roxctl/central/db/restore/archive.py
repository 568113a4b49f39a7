"""A backup file as it is sent: its manifest, and its bytes from any position on.

`restorer.py` uses it. The bytes are the files' own as they stand in the ZIP, one after
another, without the ZIP's headers (upstream roxctl/central/db/restore/v2.go).
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from pyrox.pb.api.v1 import db_service_pb2 as pb
from roxctl.errors import CliError

_CHUNK = 256 * 1024
# PKWARE's APPNOTE, "Local file header": signature, 22 bytes, lengths of name and extra field.
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_ENCRYPTED = 0x1
_MAX_ENTRIES = 1000
_ENCODINGS = {
    zipfile.ZIP_STORED: pb.DBExportManifest.UNCOMPREESSED,
    zipfile.ZIP_DEFLATED: pb.DBExportManifest.DEFLATED,
}


class BackupFile:
    """One ZIP on this machine."""

    def __init__(self, path: Path, encodings: Iterable[int]) -> None:
        """Read its directory; `encodings` are those that Central takes. Raises `CliError`."""
        self._path = path
        try:
            self.size = path.stat().st_size
            with zipfile.ZipFile(path) as opened:
                self._entries = [entry for entry in opened.infolist() if not entry.is_dir()]
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as err:
            raise CliError(f"could not create manifest from ZIP file: {err}") from err
        if len(self._entries) > _MAX_ENTRIES:
            raise CliError(f"could not create manifest from ZIP file: more than {_MAX_ENTRIES} entries")
        self._as_it_stands = frozenset(encodings)
        self.manifest = self._manifest()
        self.body_size = sum(file.encoded_size for file in self.manifest.files)

    def _manifest(self) -> pb.DBExportManifest:
        manifest = pb.DBExportManifest()
        seen: set[str] = set()
        for entry in self._entries:
            if entry.filename in seen:
                raise CliError(f"could not create manifest from ZIP file: {entry.filename} is in it twice")
            if entry.flag_bits & _ENCRYPTED:
                raise CliError(f"could not create manifest from ZIP file: {entry.filename} is encrypted")
            seen.add(entry.filename)
            file = manifest.files.add(
                name=entry.filename, decoded_size=entry.file_size, decoded_crc32=entry.CRC
            )
            if self._raw(entry):
                file.encoding = _ENCODINGS[entry.compress_type]
                file.encoded_size = entry.compress_size
            else:
                file.encoding = pb.DBExportManifest.UNCOMPREESSED
                file.encoded_size = entry.file_size
        return manifest

    def _raw(self, entry: zipfile.ZipInfo) -> bool:
        """Whether the entry's bytes are sent as they stand in the ZIP."""
        return _ENCODINGS.get(entry.compress_type) in self._as_it_stands

    def check_same(self, manifest: pb.DBExportManifest) -> None:
        """Raise `CliError` unless a restore with that manifest came from the same backup."""
        if manifest != self.manifest:
            raise CliError(
                "the restore that is going on is of another backup file;"
                " give that file, or cancel it with `roxctl central db restore cancel`"
            )

    def chunks(self, position: int = 0) -> Iterator[bytes]:
        """The bytes from the position on. Raises `CliError` when the file cannot be read."""
        try:
            with self._path.open("rb") as file, zipfile.ZipFile(file) as opened:
                for entry in self._entries:
                    sent = entry.compress_size if self._raw(entry) else entry.file_size
                    if position >= sent:
                        position -= sent
                        continue
                    parts = self._stored(entry) if self._raw(entry) else _decoded(opened, entry)
                    for part in parts:
                        if position < len(part):
                            yield part[position:]
                        position = max(position - len(part), 0)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as err:
            raise CliError(f"could not read {self._path}: {err}") from err

    def checksum(self, position: int) -> int:
        """CRC-32 of the bytes before the position."""
        checksum, left = 0, position
        for chunk in self.chunks():
            checksum = zlib.crc32(chunk[:left], checksum)
            left -= min(left, len(chunk))
            if not left:
                break
        if left:
            end = position - left
            raise CliError(
                f"could not seek to resume position {position} in data: data ends at position {end}"
            )
        return checksum

    def _stored(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(entry.header_offset)
            header = file.read(30)
            if len(header) < 30 or header[:4] != _LOCAL_SIGNATURE:
                raise CliError(f"could not determine data offset of file {entry.filename} within ZIP")
            _, name, extra = _LOCAL_HEADER.unpack(header)
            file.seek(name + extra, 1)
            left = entry.compress_size
            while left:
                part = file.read(min(left, _CHUNK))
                if not part:
                    raise CliError(f"could not read {self._path}: it ends inside of {entry.filename}")
                left -= len(part)
                yield part


def _decoded(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    with opened.open(entry) as file:
        while part := file.read(_CHUNK):
            yield part


def format_for(manifest: pb.DBExportManifest, formats: Iterable[pb.DBExportFormat]) -> str:
    """The name of the first format that the backup has. Raises `CliError` saying why none fits."""
    reasons = []
    for one in formats:
        reason = _mismatch(manifest, one)
        if not reason:
            return one.format_name
        reasons.append(f"format {one.format_name} is not applicable: {reason}")
    if not reasons:
        raise CliError("the list of supported formats is empty")
    raise CliError("no format matched manifest: " + "; ".join(reasons))


def _mismatch(manifest: pb.DBExportManifest, wanted: pb.DBExportFormat) -> str:
    names = {file.name for file in manifest.files}
    for file in wanted.files:
        if not file.optional and file.name not in names:
            return f"required file {file.name} not found in manifest"
    unknown = sorted(names - {file.name for file in wanted.files})
    if unknown:
        return f"manifest contains files unknown to format {wanted.format_name}: {', '.join(unknown)}"
    return ""
