"""Where advisories of NuGet are looked up; the Matcher asks."""

from __future__ import annotations

from typing import Final

from pyrox.scan.ecosystems.nuget.version import SCHEME
from pyrox.scan.language import LanguageMatcher

NAMESPACE: Final = "nuget"


MATCHERS = (LanguageMatcher("nuget", "nuget", NAMESPACE, SCHEME, normalise=str.lower),)
