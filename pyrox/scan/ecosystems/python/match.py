"""Where advisories of PyPI are looked up; the Matcher asks."""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.ecosystems.python.version import SCHEME
from pyrox.scan.language import LanguageMatcher

NAMESPACE: Final = "pypi"

_SEPARATORS: Final = re.compile(r"[-_.]+")


def normalise(name: str) -> str:
    """The name by which the index knows a project (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


MATCHERS = (LanguageMatcher("python", "python", NAMESPACE, SCHEME, normalise=normalise),)
