"""A file of dotted keys: what wins, and how a mistake is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pyrox import env
from pyrox.errors import Invalid
from pyrox.keyfile import Keys, read

KEYS: Keys = {
    "level": (env.text, "info"),
    "part.enable": (env.boolean, True),
    "part.wait": (env.duration, timedelta(minutes=1)),
    "part.store.path": (env.text, "/data"),
    "part.names": (env.text, ""),
    "other.enable": (env.boolean, False),
}


def values(text: str, **environment: str) -> dict[str, Any]:
    return read(text.encode(), environment, KEYS, prefix="APP_")


@pytest.mark.parametrize("text", ["", "part:", "part: {store: }", "{}"])
def test_keys_that_are_not_written_have_their_defaults(text: str) -> None:
    assert values(text) == {key: default for key, (_, default) in KEYS.items()}


def test_written_keys_are_parsed() -> None:
    found = values(
        "level: 5\npart: {enable: false, wait: 90s, store: {path: /x}, names: [a, b]}\nother: {enable: yes}"
    )
    assert found == {
        "level": "5",
        "part.enable": False,
        "part.wait": timedelta(seconds=90),
        "part.store.path": "/x",
        "part.names": "a,b",
        "other.enable": True,
    }


def test_environment_wins_unless_it_is_empty() -> None:
    found = values(
        "part: {enable: false, wait: 2s}", APP_PART_ENABLE="true", APP_PART_WAIT="", PART_STORE_PATH="/y"
    )
    assert (found["part.enable"], found["part.wait"]) == (True, timedelta(seconds=2))
    assert found["part.store.path"] == "/data"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("part: {enabel: true}", "unknown keys: part.enabel"),
        ("part: {store: {pass: x}}", "unknown keys: part.store.pass"),
        ("1: 2\nnothing: 1", "unknown keys: 1, nothing"),
        ("part: 5", "part must be a mapping"),
        ("part: [1]", "part must be a mapping"),
        ("- a", "it must be a mapping"),
        ("text", "it must be a mapping"),
        ("a: [", "not YAML"),
        ("[" * 3000, "not YAML"),
        ("part: {wait: soon}", "part.wait='soon'"),
        ("part: {enable: perhaps}", "part.enable='perhaps'"),
        ("x" * (1024 * 1024 + 1), "larger than 1 MiB"),
    ],
    ids=[
        "typo", "deep typo", "number", "scalar", "list", "top list", "top text",
        "cut", "nested", "duration", "switch", "large",
    ],
)  # fmt: skip
def test_file_with_a_mistake_is_refused_by_key(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        values(text)


def test_environment_with_a_mistake_names_its_variable() -> None:
    with pytest.raises(Invalid, match="APP_PART_WAIT='x'"):
        values("part: {wait: 1s}", APP_PART_WAIT="x")


def test_many_unknown_keys_are_named_up_to_ten() -> None:
    with pytest.raises(Invalid, match=r"unknown keys: k0, k1, k2, k3, k4, k5, k6, k7, k8, k9$"):
        values("\n".join(f"k{n}: 1" for n in range(10)) + "\nz: 1")
