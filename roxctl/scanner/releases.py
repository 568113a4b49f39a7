"""Release numbers, as the names of offline bundles use them. Pure.

`download-db` asks it. Forms, texts and orders are upstream's (`pkg/version/version.go`).
"""

from __future__ import annotations

import re

from roxctl.errors import CliError, quoted

_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_COUNT = "invalid number of components"
# Scanner V4 came with 4.4, and with the builds before it that call themselves 4.3.x.
_V4_MAJOR, _V4_MINOR = 4, 4


def is_prior_to_scanner_v4(version: str) -> bool:
    """Whether that release has the StackRox Scanner only. Raises `CliError` for another form."""
    major, minor, patch = _parsed(version)
    if major != _V4_MAJOR:
        return major < _V4_MAJOR
    return minor < _V4_MINOR - 1 or (minor == _V4_MINOR - 1 and patch != "x")


def variants(version: str) -> list[str]:
    """The version and what is less exact, down to X.Y. Raises `CliError` for another form."""
    _parsed(version)
    found = [version]
    while "-" in version:
        version = version.rpartition("-")[0]
        found.append(version)
    while version.count(".") > 1:
        version = version.rpartition(".")[0]
        found.append(version)
    return found


def _parsed(version: str) -> tuple[int, int, str]:
    """Major, minor and patch level, which is empty for X.Y."""
    numbers = version.partition("-")[0].split(".")
    if len(numbers) == 2:
        return _number(numbers[0]), _number(numbers[1]), ""
    if not 3 <= len(numbers) <= 4:
        raise CliError(f"{_COUNT} (expected 2-4, got {len(numbers)})")
    major = _number(numbers[0], "invalid marketing major version")
    if len(numbers) == 4:
        _number(numbers[1], "invalid marketing minor major version")
    minor = _number(numbers[-2], "invalid eng release version")
    if not numbers[-1]:
        raise CliError("empty patch component")
    return major, minor, numbers[-1]


def _number(text: str, what: str = "") -> int:
    if not _INTEGER.fullmatch(text):
        prefix = f"{what} ({quoted(text)}): " if what else ""
        raise CliError(f"{prefix}strconv.Atoi: parsing {quoted(text)}: invalid syntax")
    return int(text)
