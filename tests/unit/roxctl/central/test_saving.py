"""`roxctl central backup` and `central db backup`: what is fetched, where it goes, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli_wire import Wire
from tests.support.http_stream import Streams

NAME = 'attachment; filename="postgres_db_2026_11_24_09_00_00.sql.zip"'


@pytest.fixture
def streams(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Streams:
    return Streams(monkeypatch)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("backup",), "/api/extensions/backup"),
        (("backup", "--certs-only"), "/api/extensions/certs/backup"),
        (("db", "backup"), "/db/backup"),
        (("db", "backup", "--full"), "/api/extensions/backup"),
        (("db", "backup", "--full", "--certs-only"), "/api/extensions/certs/backup"),
    ],
)
def test_backup_asks_for_what_it_should(
    wire: Wire, streams: Streams, tmp_path: Path, words: tuple[str, ...], path: str
) -> None:
    streams.reply(content=b"zip", content_disposition=NAME)
    done = wire.run("central", *words)
    assert (done.code, done.out) == (0, 'Wrote backup file to "postgres_db_2026_11_24_09_00_00.sql.zip"\n')
    assert streams.sent == [("GET", path, {}, b"")]
    assert streams.reads == [3600.0]
    written = tmp_path / "postgres_db_2026_11_24_09_00_00.sql.zip"
    assert written.read_bytes() == b"zip"
    assert written.stat().st_mode & 0o777 == 0o600


def test_older_command_says_that_it_is_going_away(wire: Wire, streams: Streams) -> None:
    streams.reply(content=b"zip", content_disposition=NAME)
    done = wire.run("central", "db", "backup")
    assert 'Command "backup" is deprecated, WARNING: The backup command has been deprecated.' in done.err


def test_backup_goes_to_the_named_file_or_directory(wire: Wire, streams: Streams, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "old.zip").write_bytes(b"longer than the new one")
    for output, target in (("old.zip", "old.zip"), ("kept", "kept/made.zip"), ("kept/", "kept/made.zip")):
        streams.reply(content=b"new", content_disposition='attachment; filename="made.zip"')
        done = wire.run("central", "backup", "--output", output)
        assert done.code == 0
        assert (tmp_path / target).read_bytes() == b"new"


@pytest.mark.parametrize("name", ["../../escape.zip", "/escape.zip", "a/b/escape.zip"])
def test_name_from_the_server_stays_in_the_directory(
    wire: Wire, streams: Streams, tmp_path: Path, name: str
) -> None:
    streams.reply(content=b"zip", content_disposition=f'attachment; filename="{name}"')
    assert wire.run("central", "backup").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["escape.zip"]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("missing/", 'invalid output "missing/": directory does not exist'),
        ("missing/a.zip", 'invalid output "missing/a.zip": containing directory "missing" does not exist'),
    ],
)
def test_output_that_cannot_be_is_refused(wire: Wire, streams: Streams, output: str, message: str) -> None:
    streams.reply(content=b"zip", content_disposition=NAME)
    done = wire.run("central", "backup", "--output", output)
    assert (done.code, done.out) == (1, "")
    assert message in done.err


@pytest.mark.parametrize("disposition", ["", "attachment", 'attachment; filename=".."'])
def test_answer_without_a_name_asks_for_output(wire: Wire, streams: Streams, disposition: str) -> None:
    streams.reply(content=b"zip", content_disposition=disposition)
    done = wire.run("central", "backup")
    assert (done.code, done.out) == (1, "")
    assert "could not parse filename from header" in done.err


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_are_told_in_upstreams_words(wire: Wire, streams: Streams, status: int) -> None:
    streams.reply(status, b"not authorized")
    done = wire.run("central", "backup")
    assert (done.code, done.err) == (1, "ERROR:\tInvalid credentials. Please add/fix your credentials\n")


def test_other_refusals_are_shown(wire: Wire, streams: Streams, tmp_path: Path) -> None:
    streams.reply(501, b"could not create database backup: pg_dump is not installed\n")
    done = wire.run("central", "backup")
    assert done.code == 1
    assert done.err == (
        "ERROR:\tError when trying to get a backup.: received response code 501 Not Implemented,"
        " but expected 2xx; error message: could not create database backup: pg_dump is not installed\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_download_that_breaks_is_an_error(wire: Wire, streams: Streams) -> None:
    streams.breaks(0)
    done = wire.run("central", "backup")
    assert (done.code, done.out) == (1, "")
    assert "the connection is gone" in done.err


def test_arguments_are_refused(wire: Wire, streams: Streams) -> None:
    done = wire.run("central", "backup", "file.zip")
    assert done.code == 1
    assert 'unknown command "file.zip" for "roxctl central backup"' in done.err
    assert streams.sent == []
