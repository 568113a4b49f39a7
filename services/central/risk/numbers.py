"""Single-precision arithmetic, since a score is compared, multiplied and shown as a float32.

Every operation of upstream's multipliers rounds to single precision; rounding only the
end result would differ in the last place. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

_FLOAT = struct.Struct("<f")


def single(value: float) -> float:
    """The nearest float32."""
    rounded: float = _FLOAT.unpack(_FLOAT.pack(value))[0]
    return rounded


def normalised(score: float, saturation: float, most: float) -> float:
    """A score from 0 to its saturation as a factor from 1 to `most`; beyond it, `most`."""
    if score > saturation:
        return most
    return single(1 + single(single(score / saturation) * single(most - 1)))


def product(factors: Iterable[float]) -> float:
    """The factors multiplied, in their order, each step rounded."""
    total = 1.0
    for factor in factors:
        total = single(total * factor)
    return total
