"""Reading of `ROX_*` settings: the only caller of `os.environ`.

A process declares its settings as `Setting` values in its `config.py` and reads them
once, there. Nothing below `config.py` sees the environment. Durations follow Go's
form (`10s`, `5m`, `1h30m`), since charts and operators write them so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from pyrox.errors import Invalid

T = TypeVar("T")

_LAST_PORT = 65535

_DURATION_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)")
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3}
_UNIT_SECONDS |= {"s": 1.0, "m": 60.0, "h": 3600.0}
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def environ() -> Mapping[str, str]:
    """The process's environment, for `config.py` modules and the supervisor only."""
    return os.environ


def text(value: str) -> str:
    """The value as it stands."""
    return value


def boolean(value: str) -> bool:
    """Go's `strconv.ParseBool` spellings."""
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ValueError("expected true or false")


def duration(value: str) -> timedelta:
    """Go's duration text, for example `1h30m`, without its negative values."""
    if value == "0":
        return timedelta(0)
    parts = _DURATION_PART.findall(value)
    if not parts or "".join(n + u for n, u in parts) != value.removeprefix("+"):
        raise ValueError("expected a duration such as 30s, 5m or 1h30m")
    try:
        return timedelta(seconds=sum(float(n) * _UNIT_SECONDS[u] for n, u in parts))
    except OverflowError as err:
        raise ValueError("the duration is too long") from err


def span(value: str) -> timedelta:
    """A duration above nothing: an interval of 0 would be a loop without a pause."""
    found = duration(value)
    if not found:
        raise ValueError("expected a duration above 0s")
    return found


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, *, default_host: str = "0.0.0.0") -> Address:  # noqa: S104 - a service in a pod
        """`host:port`, `[v6]:port`, `:port` or `port`. Raises `Invalid`."""
        host, _, port = text.strip().rpartition(":")
        digits = port.isascii() and port.isdigit() and len(port) <= len(str(_LAST_PORT))
        number = int(port) if digits else _LAST_PORT + 1
        if number > _LAST_PORT:
            raise Invalid(f"address {text!r}: expected [host:]port")
        return cls(host.removeprefix("[").removesuffix("]") or default_host, number)


def metrics_port(value: str) -> Address | None:
    """Where to serve metrics, or None for upstream's word `disabled`. Raises `Invalid`."""
    return None if value == "disabled" else Address.parse(value)


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """One setting: its name, how to read it, its default and what it is for."""

    name: str
    parse: Callable[[str], T]
    default: T
    about: str

    def read(self, environment: Mapping[str, str]) -> T:
        """The value from `environment`; an empty text counts as unset.

        Raises `Invalid` that names the setting when the text cannot be read.
        """
        raw = environment.get(self.name, "")
        if not raw:
            return self.default
        try:
            return self.parse(raw)
        except ValueError as err:
            raise Invalid(f"{self.name}={raw!r}: {err}") from err


METRICS_PORT: Setting[Address | None] = Setting(
    "ROX_METRICS_PORT",
    metrics_port,
    Address.parse(":9090"),
    "address of the Prometheus endpoint, or `disabled`",
)
"""The same in every process that has metrics (upstream pkg/env/metrics.go)."""
