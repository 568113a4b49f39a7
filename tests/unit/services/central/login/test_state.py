"""What a login by redirects carries along, and where a token may be sent."""

from __future__ import annotations

import pytest

from services.central.login.state import Mode, attached, callback_of, mode_of


@pytest.mark.parametrize(
    ("state", "test", "callback", "mode", "back"),
    [
        ("/main/violations", False, "", Mode.LOGIN, "/main/violations"),
        ("", False, "", Mode.LOGIN, ""),
        ("#x", False, "", Mode.LOGIN, "x"),
        ("a#b", False, "", Mode.LOGIN, "a#b"),
        ("s", True, "", Mode.TEST, "s"),
        ("ignored", False, "http://localhost:1234/cb", Mode.CALLBACK, "http://localhost:1234/cb"),
    ],
)
def test_attached_state_comes_back_with_its_mode(
    state: str, test: bool, callback: str, mode: Mode, back: str
) -> None:
    assert mode_of(attached(state, test=test, callback=callback)) == (mode, back)


@pytest.mark.parametrize(
    "marker", ["e003ba41-9cc1-48ee-b6a9-2dd7c21da92e", "2ed17ca6-4b3c-4279-8317-f26f8ba01c52"]
)
def test_marker_alone_is_a_mode_without_a_state(marker: str) -> None:
    mode, state = mode_of(marker)
    assert mode is not Mode.LOGIN
    assert state == ""


def test_test_and_callback_together_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot use test mode and roxctl authorize in conjunction"):
        attached("", test=True, callback="http://localhost/")


FOREIGN = [
    "http://example.com/",
    "http://localhost@example.com/",
    "http://example.com\\@localhost/",
    "http://localhost.example.com/",
    "http://127.0.0.1.example.com/",
    "http://0x7f000001/",
    "http://localhost:80@example.com/",
    "http://localhost\t.example.com/",
    "http:///cb",
    "http://[::1",
    "nothing",
]


@pytest.mark.parametrize("url", FOREIGN)
def test_foreign_callback_is_refused_before_and_after_the_login(url: str) -> None:
    with pytest.raises(ValueError, match="only allowed for localhost"):
        attached("", test=False, callback=url)
    with pytest.raises(ValueError, match="callback URL"):
        callback_of(url)


@pytest.mark.parametrize("url", ["javascript://localhost/%0aalert(1)", "ftp://localhost/", "//localhost/"])
def test_callback_of_another_scheme_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must use http or https"):
        callback_of(url)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://localhost:1234/cb", "http://localhost:1234/cb?expiresAt=e&token=t"),
        ("http://127.0.0.1/?a=1&token=old", "http://127.0.0.1/?a=1&expiresAt=e&token=t"),
        ("https://[::1]:9/a%20b/ü", "https://[::1]:9/a%20b/%C3%BC?expiresAt=e&token=t"),
        ("http://localhost/x#fragment", "http://localhost/x?expiresAt=e&token=t"),
    ],
)
def test_callback_takes_the_token_among_its_own_fields(url: str, target: str) -> None:
    assert callback_of(url).with_query({"token": "t", "expiresAt": "e"}) == target


def test_callback_with_very_many_fields_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid callback URL"):
        callback_of("http://localhost/?" + "a=1&" * 1000)
