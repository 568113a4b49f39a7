"""Forms of package names that more than one reader of advisories needs."""

from __future__ import annotations

import re
from typing import Final

_SEPARATORS: Final = re.compile(r"[-_.]+")


def pep503(name: str) -> str:
    """The name by which the Python index knows a project (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()
