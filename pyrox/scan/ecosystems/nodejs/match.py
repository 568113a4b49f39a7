"""Where advisories of npm are looked up; the Matcher asks."""

from __future__ import annotations

from typing import Final

from pyrox.scan.ecosystems.nodejs.version import SCHEME
from pyrox.scan.language import LanguageMatcher

NAMESPACE: Final = "npm"


MATCHERS = (LanguageMatcher("nodejs", "nodejs", NAMESPACE, SCHEME, normalise=str),)
