"""Texts of failures and which of them may pass."""

from __future__ import annotations

import pytest

from roxctl.errors import CallFailed, CliError, code_of, quoted


def test_wrapped_error_tells_from_the_outside_in() -> None:
    error = CallFailed("NotFound", "nothing").wrap("b").wrap("a")
    assert str(error) == "a: b: rpc error: code = NotFound desc = nothing"
    assert code_of(error) == "NotFound"


@pytest.mark.parametrize(
    ("code", "retryable"),
    [("Unavailable", True), ("Internal", True), ("NotFound", True), ("Unauthenticated", False),
     ("PermissionDenied", False), ("InvalidArgument", False), ("AlreadyExists", False)],
)  # fmt: skip
def test_retryable_is_what_nobody_has_to_mend(code: str, retryable: bool) -> None:
    assert CallFailed(code, "").wrap("x").retryable is retryable


def test_local_errors_are_final() -> None:
    assert not CliError("x").retryable
    assert code_of(CliError("x")) == ""


@pytest.mark.parametrize(
    ("number", "name"), [(0, "OK"), (16, "Unauthenticated"), (99, "Code(99)"), (-1, "Code(-1)")]
)
def test_numbered(number: int, name: str) -> None:
    assert CallFailed.numbered(number, "").code == name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a", '"a"'),
        ('a"b\\', '"a\\"b\\\\"'),
        ("a\n\t", '"a\\n\\t"'),
        ("é", '"é"'),
        ("\x01\u200b", '"\\x01\\u200b"'),
    ],
)
def test_quoted_is_gos(text: str, shown: str) -> None:
    assert quoted(text) == shown
