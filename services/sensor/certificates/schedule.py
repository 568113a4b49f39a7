"""When the cluster's certificates are due, and how long to wait after a failure. Pure.

Numbers are upstream's (`sensor/kubernetes/certrefresh`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pyrox.errors import Invalid
from pyrox.mtls.ca import load_certificates
from services.sensor.certificates.store import Stored, secret_name

# The first pause, its growth, its jitter, how often it grows, and its ceiling.
_FIRST, _FACTOR, _JITTER, _STEPS, _LONGEST = 5.0, 3.0, 0.1, 5, 600.0


@dataclass(frozen=True, slots=True)
class Due:
    """What to do about the stored certificates."""

    seconds: float = 0.0
    """Until they should be renewed; 0 when that is due."""
    foreign: str = ""
    """The secret that belongs to somebody else, so that nothing may be done."""


def due(
    stored: Mapping[str, Stored | None], owner_uid: str, now: datetime, random: Callable[[], float]
) -> Due:
    """Now when one is missing or cannot be read, else between 40 % and 50 % of the first one's life."""
    owners = (owner_uid,) if owner_uid else ()
    moments = []
    for service, one in stored.items():
        if one is not None and one.owners != owners:
            return Due(foreign=secret_name(service))
        moments.append(_renewal(one, now, random))
    return Due(seconds=max(0.0, min(moments, default=0.0)))


def _renewal(one: Stored | None, now: datetime, random: Callable[[], float]) -> float:
    if one is None:
        return 0.0
    try:
        leaf = load_certificates(one.certificate)[0]
    except Invalid:
        return 0.0
    life = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    moment = leaf.not_valid_before_utc + life / 2 - life / 10 * random()
    return (moment - now).total_seconds()


@dataclass(slots=True)
class Backoff:
    """Growing pauses between attempts."""

    random: Callable[[], float]
    _failures: int = 0

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        grown = min(self._failures, _STEPS)
        self._failures += 1
        pause = min(_FIRST * _FACTOR**grown, _LONGEST)
        return pause * (1 + _JITTER * self.random())

    def reset(self) -> None:
        """An attempt was successful."""
        self._failures = 0
