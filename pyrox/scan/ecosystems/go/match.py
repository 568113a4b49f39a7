"""Where advisories of Go are looked up; the Matcher asks."""

from __future__ import annotations

from typing import Final

from pyrox.scan.ecosystems.go.version import SCHEME
from pyrox.scan.language import LanguageMatcher

NAMESPACE: Final = "go"


MATCHERS = (LanguageMatcher("gobin", "go", NAMESPACE, SCHEME, normalise=str),)
