"""Basic authentication with real bcrypt hashes."""

import base64
import os
from pathlib import Path

import bcrypt
import pytest

from pyrox.errors import NoCredentials
from services.central.access.basic import BasicAuth, parse, split_header


def htpasswd(**users: str) -> str:
    lines = [
        f"{name}:{bcrypt.hashpw(word.encode(), bcrypt.gensalt(4)).decode()}" for name, word in users.items()
    ]
    return "\n".join(["# users", "old:$apr1$salt$hash", *lines]) + "\n"


def header(name: str, password: str) -> str:
    return base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "htpasswd"
    file.write_text(htpasswd(admin="secret", ops="höchst:geheim"))
    return file


def test_parse_takes_bcrypt_lines_only(path: Path) -> None:
    assert sorted(parse(path.read_text())) == ["admin", "ops"]


@pytest.mark.parametrize(
    "text", ["not base64!", base64.b64encode(b"nocolon").decode(), base64.b64encode(b"\xff:x").decode()]
)
def test_split_header_unreadable_is_refused(text: str) -> None:
    with pytest.raises(NoCredentials, match="failed to parse basic auth token"):
        split_header(text)


async def test_user_of_right_password_names_the_user(path: Path) -> None:
    auth = BasicAuth(path=path)
    assert await auth.user_of(header("admin", "secret")) == "admin"
    assert await auth.user_of(header("admin", "secret")) == "admin"
    assert await auth.user_of(header("ops", "höchst:geheim")) == "ops"


@pytest.mark.parametrize(
    ("name", "password"), [("admin", "wrong"), ("nobody", "secret"), ("admin", ""), ("admin", "x" * 500)]
)
async def test_user_of_wrong_credentials_are_refused(path: Path, name: str, password: str) -> None:
    with pytest.raises(NoCredentials, match=f'failed to identify user with username "{name}"'):
        await BasicAuth(path=path).user_of(header(name, password))


async def test_user_of_changed_file_forgets_old_password(path: Path) -> None:
    auth = BasicAuth(path=path)
    assert await auth.user_of(header("admin", "secret")) == "admin"
    path.write_text(htpasswd(admin="rotated"))
    os.utime(path, ns=(1, 1))
    with pytest.raises(NoCredentials):
        await auth.user_of(header("admin", "secret"))
    assert await auth.user_of(header("admin", "rotated")) == "admin"


async def test_user_of_missing_file_refuses_everybody(tmp_path: Path) -> None:
    with pytest.raises(NoCredentials):
        await BasicAuth(path=tmp_path / "none").user_of(header("admin", "secret"))
