"""Stored logins: reading what upstream wrote, keeping the others, refusing broken files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from roxctl.config import Login, Store
from roxctl.errors import CliError

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FILE = """\
centrals:
  central.example.com:443:
    access:
      accessToken: the-token
      issuedAt: 2026-11-24T08:00:00Z
      expiresAt: 2026-11-24T10:00:00Z
      refreshToken: again
  other:443:
    access:
      accessToken: other-token
"""


def store(directory: Path) -> Store:
    return Store({"ROX_CONFIG_DIR": str(directory)})


def test_login_reads_upstreams_file(tmp_path: Path) -> None:
    (tmp_path / "roxctl-config.yaml").write_text(FILE)
    login = store(tmp_path).login("central.example.com:443")
    assert login == Login("the-token", "2026-11-24T08:00:00Z", "2026-11-24T10:00:00Z", "again")
    assert store(tmp_path).login("unknown:443") is None


def test_login_without_file_is_none(tmp_path: Path) -> None:
    assert store(tmp_path / "none").login("a:1") is None


def test_save_keeps_the_others_and_is_private(tmp_path: Path) -> None:
    (tmp_path / "roxctl-config.yaml").write_text(FILE)
    store(tmp_path).save("central.example.com:443", Login("new"))
    assert store(tmp_path).login("central.example.com:443") == Login("new")
    other = store(tmp_path).login("other:443")
    assert other is not None
    assert other.access_token == "other-token"
    assert (tmp_path / "roxctl-config.yaml").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["{", "\x00"])
def test_login_of_broken_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "roxctl-config.yaml").write_text(content)
    with pytest.raises(CliError, match="could not read stored logins from"):
        store(tmp_path).login("a:1")


@pytest.mark.parametrize(
    "content", ["[1]", "centrals: 5", "centrals:\n  'a:1': x", "centrals:\n  'a:1':\n    access: {}"]
)
def test_login_of_strange_file_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "roxctl-config.yaml").write_text(content)
    assert store(tmp_path).login("a:1") is None


@pytest.mark.parametrize(
    ("expires", "refresh", "needed"),
    [
        ("2026-11-24T09:00:29Z", "r", True),
        ("2026-11-24T09:00:31Z", "r", False),
        ("2026-11-24T08:00:00Z", "", False),
        ("", "r", False),
        ("never", "r", True),
    ],
)
def test_needs_refresh(expires: str, refresh: str, needed: bool) -> None:
    assert Login("t", "", expires, refresh).needs_refresh(NOW) is needed
