"""Where advisories of Packagist are looked up; the Matcher asks."""

from __future__ import annotations

from typing import Final

from pyrox.scan.ecosystems.composer.version import SCHEME
from pyrox.scan.language import LanguageMatcher

NAMESPACE: Final = "packagist"


MATCHERS = (LanguageMatcher("composer", "composer", NAMESPACE, SCHEME, normalise=str.lower),)
