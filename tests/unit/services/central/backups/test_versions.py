"""The version of a backup: written, read back, refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pyrox.version import WIRE_VERSION
from services.central.backups.errors import Refused
from services.central.backups.versions import SchemaVersion, check, render

# Ten lists of ten of the list before: 10 ** 12 words when written out.
_LISTS = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 12))
BOMB = f"l0: &l0 [x]\n{_LISTS}image: *l11\ndatabase: 1\n".encode()
WHEN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_version_is_written_with_the_keys_of_upstream_and_one_of_ours() -> None:
    assert render(SchemaVersion(number=3, persisted=WHEN)).decode() == (
        f"image: {WIRE_VERSION}\ndatabase: 3\nmindatabase: 1\n"
        "lastpersisted: 2026-11-24 09:00:00+00:00\ndistribution: pyrox\n"
    )


@pytest.mark.parametrize("number", [1, 2, 3])
def test_backup_of_this_or_an_older_release_is_taken(number: int) -> None:
    content = render(SchemaVersion(number=number, persisted=WHEN))
    check(content, 3)
    assert f"database: {number}\n".encode() in content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\x00\xff", "it is no YAML"),
        (BOMB, 'another product (version "", sequence number 1)'),
        (b"[" * 5000, "it is no YAML"),
        (b"a: [", "it is no YAML"),
        (b"just text", "expected the keys image and database"),
        (b"database: soon\ndistribution: pyrox", "expected the keys image and database"),
        (b"database: true\ndistribution: pyrox", "expected the keys image and database"),
        (b"database: 0\ndistribution: pyrox", "sequence number 0"),
        (b"image: 4.5.0\ndatabase: 226", 'another product (version "4.5.0", sequence number 226)'),
        (
            b"image: 4.12.0\ndatabase: 4\ndistribution: pyrox",
            f"sequence number 4), expect version <= {WIRE_VERSION} and sequence number <= 3",
        ),
    ],
)
def test_version_that_cannot_be_used_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(Refused) as caught:
        check(content, 3)
    assert message in caught.value.message
