"""Opens a SQLite database that somebody else wrote, so that it can only be read, and not for ever.

Readers of databases in images call it. The file is copied beside, its write-ahead log, where
there is one, is laid over the copy, and the queries run over tables only: a view could compute
for ever.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from pyrox.scan.formats import sqlitelog

MAGIC: Final = b"SQLite format 3\x00"
_JOURNAL: Final = 18  # two bytes: format of writing and of reading, 2 for a write-ahead log
_STEPS: Final = 50_000_000  # instructions of SQLite's machine
_MAX_VALUE: Final = 1 << 20


class BrokenSqlite(ValueError):
    """The file is no SQLite database, lacks a table, or is damaged."""


@contextmanager
def reading(
    file: BinaryIO, needed: frozenset[str], *, longest: int = _MAX_VALUE, log: BinaryIO | None = None
) -> Iterator[sqlite3.Connection]:
    """A connection to a copy of the file that has all the needed tables, values up to `longest` bytes.

    `log` is the write-ahead log that stood beside it.

    Raises:
        BrokenSqlite: now, or when a query inside the block meets damage.
    """
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as own:
        file.seek(0)
        shutil.copyfileobj(file, own, 1 << 20)
        if log is not None:
            _lay_over(cast("BinaryIO", own), log)
        own.seek(_JOURNAL)
        own.write(b"\x01\x01")
        own.flush()
        uri = f"{Path(own.name).as_uri()}?mode=ro&immutable=1"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
                connection.execute("PRAGMA trusted_schema = OFF")
                connection.set_progress_handler(lambda: 1, _STEPS)
                missing = needed - tables(connection)
                if missing:
                    raise BrokenSqlite(f"no table {', '.join(sorted(missing))}")
                yield connection
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
            raise BrokenSqlite(str(error)[:200]) from error


def _lay_over(own: BinaryIO, log: BinaryIO) -> None:
    try:
        sqlitelog.lay_over(own, log)
    except sqlitelog.BrokenLog as error:
        raise BrokenSqlite(str(error)) from error


def logs(head: bytes) -> bool:
    """Whether the database with this beginning is written by way of a write-ahead log."""
    return head.startswith(MAGIC) and head[_JOURNAL + 1 : _JOURNAL + 2] == b"\x02"


def tables(connection: sqlite3.Connection) -> frozenset[str]:
    """The names of the real tables."""
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
    return frozenset(str(name) for (name,) in rows)
