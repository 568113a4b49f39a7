"""Kubernetes quantities (`250m`, `1.5Gi`, `1e3`) as numbers.

Used by the container and node conversions. It must not know what is measured.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

_FORM = re.compile(
    r"([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?",
    re.ASCII,
)
_FACTORS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(1000),
    "M": Decimal(1000**2),
    "G": Decimal(1000**3),
    "T": Decimal(1000**4),
    "P": Decimal(1000**5),
    "E": Decimal(1000**6),
    "Ki": Decimal(1024),
    "Mi": Decimal(1024**2),
    "Gi": Decimal(1024**3),
    "Ti": Decimal(1024**4),
    "Pi": Decimal(1024**5),
    "Ei": Decimal(1024**6),
}
_MEBIBYTE = 1024 * 1024
_MILLI = 1000


def parse(value: object) -> Decimal:
    """The quantity's value; 0 when it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    match = _FORM.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return Decimal(0)
    digits, suffix, exponent = match.groups()
    if exponent:
        return Decimal(digits).scaleb(int(exponent))
    return Decimal(digits) * _FACTORS[suffix] if suffix else Decimal(digits)


def cores(value: object) -> float:
    """Processor cores, in steps of a thousandth rounded up as Kubernetes does."""
    return math.ceil(parse(value) * _MILLI) / _MILLI


def mebibytes(value: object) -> float:
    """Memory in units of 1,048,576 bytes, which upstream calls MB."""
    return math.ceil(parse(value)) / _MEBIBYTE
