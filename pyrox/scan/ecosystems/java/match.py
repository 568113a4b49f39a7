"""Where advisories of Maven are looked up; the Matcher asks."""

from __future__ import annotations

from typing import Final

from pyrox.scan.ecosystems.java.version import SCHEME
from pyrox.scan.language import LanguageMatcher

NAMESPACE: Final = "maven"


MATCHERS = (LanguageMatcher("java", "java", NAMESPACE, SCHEME, normalise=str),)
