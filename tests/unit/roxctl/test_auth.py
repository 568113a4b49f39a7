"""Which credentials are used, and which combinations are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from roxctl.auth import authorization
from roxctl.errors import CliError
from roxctl.settings import Values

BASIC = "Basic YWRtaW46cHc="


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    path = tmp_path / "token"
    path.write_text(" from-file\n")
    return str(path)


def header(flags: dict[str, object], **environment: str) -> str | None:
    return authorization(Values(flags, environment))


def test_authorization_none_given_means_stored_login() -> None:
    assert header({}) is None


def test_authorization_order(token_file: str) -> None:
    assert header({"password": "pw"}, ROX_API_TOKEN="t") == BASIC
    assert header({"token_file": token_file}, ROX_ADMIN_PASSWORD="pw") == "Bearer from-file"
    assert header({}, ROX_ADMIN_PASSWORD="pw") == BASIC
    assert header({}, ROX_API_TOKEN_FILE=token_file, ROX_API_TOKEN="t") == "Bearer from-file"
    assert header({}, ROX_API_TOKEN=" t\n") == "Bearer t"


@pytest.mark.parametrize(
    ("flags", "environment"),
    [
        ({"password": "pw", "token_file": "f"}, {}),
        ({}, {"ROX_ADMIN_PASSWORD": "pw", "ROX_API_TOKEN": "t"}),
        ({}, {"ROX_ADMIN_PASSWORD": "pw", "ROX_API_TOKEN_FILE": "f"}),
    ],
)
def test_authorization_two_kinds_are_refused(flags: dict[str, object], environment: dict[str, str]) -> None:
    with pytest.raises(CliError, match="cannot use basic and token-based authentication at the same time"):
        header(flags, **environment)


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_authorization_empty_token_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "t").write_text(content)
    with pytest.raises(CliError, match="is empty; put one token into it"):
        header({"token_file": str(tmp_path / "t")})


def test_authorization_missing_token_file_is_refused() -> None:
    with pytest.raises(CliError, match="could not read token from"):
        header({"token_file": "/nonexistent/token"})


@pytest.mark.parametrize("token", ["a b", "a\nb", "é"])
def test_authorization_token_that_is_no_header_is_refused(token: str) -> None:
    with pytest.raises(CliError, match="characters that no token has"):
        header({}, ROX_API_TOKEN=token)
