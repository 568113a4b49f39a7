"""SQLite databases that somebody else wrote."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path

import pytest

from pyrox.scan.formats import sqlitefile

NEEDED = frozenset(("t",))
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


def database(directory: Path, *statements: str) -> io.BytesIO:
    """The bytes of a database after these statements."""
    path = directory / "made.sqlite"
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return io.BytesIO(path.read_bytes())


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_table_is_read_whatever_the_journal(tmp_path: Path, journal: str) -> None:
    made = database(
        tmp_path, f"PRAGMA journal_mode={journal}", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"
    )
    with sqlitefile.reading(made, NEEDED) as connection:
        assert connection.execute("SELECT a FROM t").fetchall() == [(1,)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM t")


@pytest.mark.parametrize("statement", ["CREATE TABLE u (a)", f"CREATE VIEW t AS {ENDLESS}"])
def test_table_that_is_missing_or_a_view_is_refused(tmp_path: Path, statement: str) -> None:
    made = database(tmp_path, statement)
    with pytest.raises(sqlitefile.BrokenSqlite, match="no table t"), sqlitefile.reading(made, NEEDED):
        pass


def test_query_that_does_not_end_is_ended(tmp_path: Path) -> None:
    made = database(tmp_path, "CREATE TABLE t (a)")
    with (
        pytest.raises(sqlitefile.BrokenSqlite, match="interrupted"),
        sqlitefile.reading(made, NEEDED) as connection,
    ):
        connection.execute(ENDLESS).fetchall()


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00", b"x" * 5000])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(sqlitefile.BrokenSqlite), sqlitefile.reading(io.BytesIO(content), NEEDED):
        pass
