"""Write-ahead logs: what SQLite itself would read is read; lies and leftovers are not."""

from __future__ import annotations

import io
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pyrox.scan.formats import sqlitefile, sqlitelog

NEEDED = frozenset(("t",))


@pytest.fixture
def open_database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database in use, whose log nobody empties."""
    with closing(sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size = 1024")
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t VALUES ('first')")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield connection


def files(tmp_path: Path) -> tuple[io.BytesIO, io.BytesIO]:
    """Database and log as they lie on the disk, as an image would have them."""
    return (
        io.BytesIO((tmp_path / "x.sqlite").read_bytes()),
        io.BytesIO((tmp_path / "x.sqlite-wal").read_bytes()),
    )


def rows(database: io.BytesIO, log: io.BytesIO | None) -> list[str]:
    with sqlitefile.reading(database, NEEDED, log=log) as connection:
        return [row[0] for row in connection.execute("SELECT a FROM t ORDER BY rowid")]


def test_rows_of_the_log_are_read_as_sqlite_itself_reads_them(
    tmp_path: Path, open_database: sqlite3.Connection
) -> None:
    open_database.executemany("INSERT INTO t VALUES (?)", [(str(n) * 700,) for n in range(50)])
    open_database.execute("DELETE FROM t WHERE a = 'first'")
    wanted = [row[0] for row in open_database.execute("SELECT a FROM t ORDER BY rowid")]
    database, log = files(tmp_path)
    assert rows(database, None) == ["first"]
    assert rows(database, log) == wanted
    assert len(wanted) == 50


def test_database_that_became_shorter_loses_its_last_pages(
    tmp_path: Path, open_database: sqlite3.Connection
) -> None:
    open_database.executemany("INSERT INTO t VALUES (?)", [("x" * 900,) for _ in range(100)])
    open_database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    open_database.execute("DELETE FROM t WHERE a <> 'first'")
    open_database.execute("VACUUM")
    database, log = files(tmp_path)
    before = len(database.getvalue())
    assert sqlitelog.lay_over(database, log) > 0
    assert len(database.getvalue()) < before
    assert rows(database, None) == ["first"]


def test_transaction_without_its_commit_is_left_out(
    tmp_path: Path, open_database: sqlite3.Connection
) -> None:
    open_database.execute("INSERT INTO t VALUES ('second')")
    database, log = files(tmp_path)
    whole = log.getvalue()
    open_database.executemany("INSERT INTO t VALUES (?)", [("x" * 900,) for _ in range(20)])
    longer = files(tmp_path)[1].getvalue()
    # Cut inside a frame, and a frame whose bytes changed.
    for left in (longer[: len(whole) + 500], longer[: len(whole) + 100] + b"?" + longer[len(whole) + 101 :]):
        assert rows(database, io.BytesIO(left)) == ["first", "second"]


def test_frames_of_an_older_log_behind_the_new_one_do_not_count(
    tmp_path: Path, open_database: sqlite3.Connection
) -> None:
    open_database.executemany("INSERT INTO t VALUES (?)", [(f"old {n}",) for n in range(30)])
    open_database.execute("DELETE FROM t WHERE a <> 'first'")
    open_database.execute("PRAGMA wal_checkpoint(RESTART)")
    open_database.execute("INSERT INTO t VALUES ('new')")
    database, log = files(tmp_path)
    assert len(log.getvalue()) > 10 * 1048  # the file keeps its length
    assert sqlitelog.lay_over(database, log) == 1
    assert rows(database, None) == ["first", "new"]


def header(*, magic: int = 0x377F0682, form: int = 3_007_000, size: int = 1024) -> bytes:
    start = struct.pack(">IIIIII", magic, form, size, 0, 7, 8)
    return start + struct.pack(">II", *sqlitelog._checksum((0, 0), start, "<"))


def frame(head: bytes, number: int, total: int, size: int = 1024) -> bytes:
    """The first frame after a header."""
    numbers, page = struct.pack(">II", number, total), bytes(size)
    sums = sqlitelog._checksum(struct.unpack_from(">II", head, 24), numbers, "<")
    return numbers + head[16:24] + struct.pack(">II", *sqlitelog._checksum(sums, page, "<")) + page


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (b"short", "ends in its header"),
        (header(magic=0), "no write-ahead log"),
        (header(form=1), "no write-ahead log"),
        (header(size=1000), "no write-ahead log"),
        (header(size=1 << 31), "no write-ahead log"),
        (header()[:-1] + b"?", "wrong checksum in its header"),
        (header(size=4096), "pages of 4096 bytes; the database has others"),
        (header() + frame(header(), 0xFFFFFFFF, 1), "a database of more than 536870912 bytes"),
        (header() + frame(header(), 1, 0xFFFFFFFF), "a database of more than 536870912 bytes"),
    ],
)
def test_log_that_lies_is_refused_and_the_database_stays(
    tmp_path: Path, open_database: sqlite3.Connection, log: bytes, words: str
) -> None:
    assert open_database.in_transaction is False
    database, _ = files(tmp_path)
    before = database.getvalue()
    with pytest.raises(sqlitelog.BrokenLog, match=words):
        sqlitelog.lay_over(database, io.BytesIO(log))
    assert database.getvalue() == before
    with pytest.raises(sqlitefile.BrokenSqlite, match=words):
        rows(database, io.BytesIO(log))


@pytest.mark.parametrize("log", [b"", header(), header() + frame(header(), 0, 1), header() + bytes(2000)])
def test_log_without_a_good_frame_changes_nothing(
    tmp_path: Path, open_database: sqlite3.Connection, log: bytes
) -> None:
    assert open_database.in_transaction is False
    database, _ = files(tmp_path)
    assert sqlitelog.lay_over(database, io.BytesIO(log)) == 0
    assert rows(database, None) == ["first"]


def test_log_over_its_bound_is_refused(
    tmp_path: Path, open_database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_database.execute("INSERT INTO t VALUES ('second')")
    monkeypatch.setattr(sqlitelog, "MAX_LOG", 100)
    with pytest.raises(sqlitelog.BrokenLog, match="of more than 100 bytes"):
        sqlitelog.lay_over(*files(tmp_path))
