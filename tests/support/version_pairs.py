"""Pairs of versions for comparing orders: made by a small grammar, hostile and plausible alike.

Most pairs are a version and a small change of it, since far-apart versions decide nothing.
"""

from __future__ import annotations

import random
from typing import Final

_NUMBERS: Final = (
    "0",
    "1",
    "2",
    "3",
    "9",
    "10",
    "11",
    "00",
    "01",
    "010",
    "2024",
    "20240101",
    "99999",
    "100000",
)
_RARE: Final = (str(2**31 - 1), str(2**31), str(2**53), str(2**53 + 1), str(2**63), "9" * 25)
_STARTS: Final[dict[str, tuple[str, ...]]] = {
    "dpkg": ("", "", "0:", "1:", "2:", "a:", ":", "2147483648:", "~"),
    "rpm": ("", "", "0:", "1:", "a:", ":", "00:"),
    "maven": ("", "", "", "v", "x", "0-"),
    "gem": ("", "", "", "a"),
    "semver": ("", "", "v", "=", " "),
    "go": ("v", "v", "go", "go", ""),
    "composer": ("", "", "v", "V", "dev-"),
}
_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "dpkg": (
        "~",
        "+",
        "-",
        ".",
        ":",
        "a",
        "z",
        "A",
        "rc",
        "~rc",
        "+deb12u",
        "build",
        "~~",
        "\u00e9",
        " ",
        "/",
        "=",
    ),
    "rpm": ("~", "^", ".", "-", ":", "_", "+", "a", "Z", "rc", "el", ".el9", "git", "%", "\u00e9", "beta"),
    "maven": (
        *(".", "-", "_", "a", "b", "m", "alpha", "beta", "milestone", "rc", "cr", "SNAPSHOT", "ga", "Final"),
        *("release", "sp", "x", "jre", "redhat", "-android", ".v", "+", "xyz", " "),
    ),
    "gem": (".", "-", "a", "b", "rc", "pre", "beta", "Z", "x86", ".pre", ".0", " ", "_"),
    "semver": (".", "-", "+", "a", "b", "rc", "alpha", "-0", "-rc.", "+build", "1a", "x", "v", "_", " "),
    "go": (
        ".",
        "-",
        "+",
        "rc",
        "beta",
        "alpha",
        "+incompatible",
        "-0.20240101000000-abcdef123456",
        "-rc.",
        "a",
    ),
    "composer": (
        *(".", "-", "_", "+", "a", "b", "rc", "RC", "alpha", "beta", "dev", "-dev", ".x", "*", "patch", "pl"),
        *("p", "stable", "STABLE", "@dev", "#", "-beta.", " ", "foo", " as "),
    ),
}


def _number(choose: random.Random) -> str:
    kind = choose.random()
    return (
        choose.choice(_RARE)
        if kind < 0.02
        else choose.choice(_NUMBERS)
        if kind < 0.7
        else str(choose.randint(0, 40))
    )


def _version(choose: random.Random, name: str) -> str:
    size = 3 if name in {"semver", "go"} and choose.random() < 0.7 else choose.randint(1, 5)
    numbers = ".".join(_number(choose) for _ in range(size))
    tail = ""
    for _ in range(choose.choice((0, 0, 1, 1, 2, 3))):
        tail += choose.choice(_WORDS[name]) + (_number(choose) if choose.random() < 0.6 else "")
    return choose.choice(_STARTS[name]) + numbers + tail


def _changed(choose: random.Random, name: str, version: str) -> str:
    place = choose.randrange(len(version) + 1)
    piece = choose.choice((*_WORDS[name], _number(choose), ".0", "0"))
    kind = choose.random()
    if kind < 0.3:
        return version[:place] + piece + version[place:]
    if kind < 0.55:
        return version[:place] + piece + version[place + 1 :]
    if kind < 0.7:
        return version[:place] + version[place + 1 :]
    return version + piece


def pairs(name: str, count: int, *, seed: int) -> list[tuple[str, str]]:
    """So many pairs of non-empty versions; the same ones for the same seed."""
    choose = random.Random(seed)
    found: list[tuple[str, str]] = []
    while len(found) < count:
        a = _version(choose, name)
        b = _changed(choose, name, a) if choose.random() < 0.8 else _version(choose, name)
        if a and b:
            found.append((a, b) if choose.random() < 0.5 else (b, a))
    return found
