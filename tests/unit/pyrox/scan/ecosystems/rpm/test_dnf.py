"""Histories of dnf 4 and 5, with the tables that libdnf's sources make."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from pyrox.scan.ecosystems.rpm import dnf
from pyrox.scan.formats.sqlitefile import BrokenSqlite
from pyrox.scan.model import Origin
from tests.unit.pyrox.scan.formats.test_sqlitefile import database

REPOS = "INSERT INTO repo VALUES (1, 'rhel-9-baseos'), (2, 'rhel-9-appstream'), (3, 'old')"
# Installed from one repository, updated from another; installed and removed; a group.
DNF4 = (
    "CREATE TABLE repo (id INTEGER PRIMARY KEY, repoid TEXT)",
    "CREATE TABLE rpm (item_id INTEGER PRIMARY KEY, name, epoch INTEGER, version, release, arch)",
    "CREATE TABLE trans_item (id INTEGER PRIMARY KEY, item_id INTEGER, repo_id INTEGER, action INTEGER)",
    REPOS,
    "INSERT INTO rpm VALUES (1, 'bash', 0, '5.1', '6.el9', 'x86_64')",
    "INSERT INTO rpm VALUES (2, 'dbus', 1, '1.12', '8.el9', 'x86_64')",
    "INSERT INTO trans_item VALUES (1, 1, 3, 1), (2, 1, 1, 9), (3, 2, 2, 1), (4, 2, 3, 8), (5, 7, 2, 1)",
)
DNF5 = (
    "CREATE TABLE config (key TEXT)",
    "CREATE TABLE repo (id INTEGER PRIMARY KEY, repoid TEXT)",
    "CREATE TABLE trans_item_action (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE pkg_name (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE arch (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE rpm (item_id INTEGER PRIMARY KEY, name_id INTEGER, epoch, version, release, arch_id)",
    "CREATE TABLE trans_item (id INTEGER PRIMARY KEY, item_id INTEGER, repo_id INTEGER, action_id INTEGER)",
    REPOS,
    "INSERT INTO trans_item_action VALUES (1, 'Install'), (2, 'Reinstall'), (5, 'Remove')",
    "INSERT INTO pkg_name VALUES (1, 'bash'), (2, 'dbus')",
    "INSERT INTO arch VALUES (1, 'x86_64')",
    "INSERT INTO rpm VALUES (1, 1, 0, '5.1', '6.el9', 1), (2, 2, 1, '1.12', '8.el9', 1)",
    "INSERT INTO trans_item VALUES (1, 1, 3, 1), (2, 1, 1, 2), (3, 2, 2, 1), (4, 2, 3, 5), (5, 7, 2, 1)",
)
HISTORY = dnf.History(
    ("rhel-9-appstream", "rhel-9-baseos"),
    (
        Origin("bash", "5.1-6.el9", "x86_64", "rhel-9-baseos"),
        Origin("dbus", "1:1.12-8.el9", "x86_64", "rhel-9-appstream"),
    ),
)


@pytest.mark.parametrize("statements", [DNF4, DNF5], ids=["4", "5"])
def test_last_transaction_of_a_package_that_is_no_removal_counts(
    tmp_path: Path, statements: tuple[str, ...]
) -> None:
    assert dnf.read(database(tmp_path, *statements), 1000) == HISTORY


def test_history_has_a_bound(tmp_path: Path) -> None:
    assert len(dnf.read(database(tmp_path, *DNF4), 1).origins) == 1


def test_values_of_other_types_are_left_out(tmp_path: Path) -> None:
    odd = "INSERT INTO rpm VALUES (7, 5, 0, x'00', NULL, 'x86_64')"
    assert dnf.read(database(tmp_path, *DNF4, odd), 1000) == HISTORY


def test_file_that_is_no_history_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenSqlite, match="no table repo, rpm, trans_item"):
        dnf.read(database(tmp_path, "CREATE TABLE t (a)"), 10)
    with pytest.raises(BrokenSqlite):
        dnf.read(io.BytesIO(b"x" * 4096), 10)
