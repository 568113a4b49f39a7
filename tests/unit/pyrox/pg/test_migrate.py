"""Reading of migration files."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from pyrox.pg.migrate import Migration, MigrationError, read

BAD = {
    "gap": ["0001_a.sql", "0003_b.sql"],
    "repeated": ["0001_a.sql", "0001_b.sql"],
    "starts late": ["0002_a.sql"],
    "misnamed": ["0001_a.sql", "2_b.sql"],
}


@pytest.mark.parametrize("names", BAD.values(), ids=BAD)
def test_read_of_a_broken_sequence_is_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationError, match=r"\.sql"):
        read(tmp_path)


def test_read_sorts_and_ignores_other_files(tmp_path: Path) -> None:
    for name in ("0002_b.sql", "0001_a.sql", "__init__.py", "README.md"):
        (tmp_path / name).write_text("SELECT 1")
    assert [migration.name for migration in read(tmp_path)] == ["0001_a.sql", "0002_b.sql"]


def test_timeouts_of_a_file_come_from_its_first_line() -> None:
    slow = Migration(1, "x", "-- timeouts: lock=1s statement=10min\nSELECT 1")
    assert slow.timeouts == ("1s", "10min")
    assert Migration(1, "x", "SELECT 1").timeouts == ("4s", "5s")


def test_migrations_of_central_are_complete() -> None:
    assert read(files("services.central.migrations"))[0].name == "0001_init.sql"
