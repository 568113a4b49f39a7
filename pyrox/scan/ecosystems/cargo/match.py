"""Where advisories of crates.io are looked up; the Matcher asks."""

from __future__ import annotations

from typing import Final

from pyrox.scan.ecosystems.cargo.version import SCHEME
from pyrox.scan.language import LanguageMatcher

NAMESPACE: Final = "crates.io"


MATCHERS = (LanguageMatcher("cargo", "cargo", NAMESPACE, SCHEME, normalise=str),)
