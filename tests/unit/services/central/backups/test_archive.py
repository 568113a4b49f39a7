"""The ZIP that is written while it is sent: readable by others, nothing held back."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

from services.central.backups.archive import Archive

WHEN = datetime(2026, 11, 24, 9, 8, 6, tzinfo=UTC)


def test_archive_in_pieces_is_a_good_zip() -> None:
    archive, sent = Archive(WHEN), b""
    archive.add("postgres.size", b"123")
    with archive.member("postgres.dump") as member:
        for part in (b"one" * 1000, b"two" * 1000):
            member.write(part)
            taken = archive.ready()
            assert part in taken
            sent += taken
    archive.add("keys/ca.pem", b"key")
    archive.close()
    sent += archive.ready()
    assert archive.ready() == b""
    with zipfile.ZipFile(io.BytesIO(sent)) as read:
        assert read.testzip() is None
        assert {name: len(read.read(name)) for name in read.namelist()} == {
            "postgres.size": 3,
            "postgres.dump": 6000,
            "keys/ca.pem": 3,
        }
        entry = read.getinfo("postgres.dump")
        assert (entry.compress_type, entry.date_time) == (zipfile.ZIP_STORED, (2026, 11, 24, 9, 8, 6))
        assert entry.external_attr >> 16 == 0o600
