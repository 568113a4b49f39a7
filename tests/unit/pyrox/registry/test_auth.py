"""Challenges and tokens."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pyrox.errors import Invalid
from pyrox.registry.auth import Tokens, check_realm, choose_challenge, parse_challenge, parse_token


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_bearer_challenge_gives_its_parameters() -> None:
    found = parse_challenge(
        'Bearer realm="https://a/token",service="s",scope="repository:a/b:pull,push", error=x'
    )
    assert found is not None
    assert found.realm == "https://a/token"
    assert dict(found.parameters)["scope"] == "repository:a/b:pull,push"
    assert dict(found.parameters)["error"] == "x"


def test_unknown_scheme_is_passed_over() -> None:
    assert parse_challenge("Negotiate abc") is None
    found = choose_challenge(["Negotiate", 'BASIC realm="x"', 'Bearer realm="y"'])
    assert found is not None
    assert found.scheme == "basic"


@pytest.mark.parametrize(
    "realm", ["", "ftp://a/", "http://a/token", "https://", "https://[a", "https://a:b/"]
)
def test_realm_less_safe_than_the_registry_is_refused(realm: str) -> None:
    with pytest.raises(Invalid):
        check_realm(realm, "https")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"token": 5}', b'{"token": "a\\nb"}'])
def test_answer_without_token_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        parse_token(body, now=0.0)


def test_token_is_used_until_shortly_before_it_expires() -> None:
    clock = Clock()
    tokens = Tokens(clock)
    tokens.put("s", json.dumps({"access_token": "t", "expires_in": 100}).encode())
    clock.seconds += 89
    assert tokens.get("s") == "t"
    assert tokens.get("other") == ""
    clock.seconds += 2
    assert tokens.get("s") == ""


def test_forgotten_token_is_gone() -> None:
    tokens = Tokens(Clock())
    tokens.put("s", b'{"token": "t"}')
    tokens.forget("s")
    assert tokens.get("s") == ""


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Bearer realm="https://a/t"', {"realm": "https://a/t"}),
        ('bearer realm = "a" , service= b', {"realm": "a", "service": "b"}),
        ('Bearer realm="a\\"b\\\\c",scope=""', {"realm": 'a"b\\c', "scope": ""}),
        ('Bearer REALM="a",Realm="b"', {"realm": "b"}),
        ('Bearer realm="open', {}),
        ('Bearer realm="a"service="b"', {"realm": "a", "service": "b"}),
        ("Bearer", {}),
        ("Bearer ,,,=,realm", {}),
        ('Bearer error="x y",error_description="a,b=c"', {"error": "x y", "error_description": "a,b=c"}),
    ],
)
def test_challenge_in_odd_forms_gives_its_parameters(header: str, expected: dict[str, str]) -> None:
    found = parse_challenge(header)
    assert found is not None
    assert dict(found.parameters) == expected


def test_challenge_is_read_to_a_bound() -> None:
    found = parse_challenge("Bearer " + "a-" * 4000 + ' realm="near", ' + "x" * 8192 + ' scope="far"')
    assert found is not None
    assert dict(found.parameters) == {"realm": "near"}
