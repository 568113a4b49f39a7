"""Where advisories of RubyGems are looked up; the Matcher asks."""

from __future__ import annotations

from typing import Final

from pyrox.scan.ecosystems.gem.version import SCHEME
from pyrox.scan.language import LanguageMatcher

NAMESPACE: Final = "rubygems"


MATCHERS = (LanguageMatcher("ruby", "gem", NAMESPACE, SCHEME, normalise=str),)
