"""Where advisories of PyPI are looked up; the Matcher asks."""

from __future__ import annotations

from typing import Final

from pyrox.scan.ecosystems.python.version import SCHEME
from pyrox.scan.language import LanguageMatcher
from pyrox.scan.names import pep503

NAMESPACE: Final = "pypi"

MATCHERS = (LanguageMatcher("python", "python", NAMESPACE, SCHEME, normalise=pep503),)
