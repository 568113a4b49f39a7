"""Where advisories of Kubernetes are looked up, by component (`k8s.io/apiserver`)."""

from __future__ import annotations

from typing import Final

from pyrox.scan.ecosystems.kubernetes.version import SCHEME
from pyrox.scan.language import LanguageMatcher

NAMESPACE: Final = "kubernetes"

MATCHERS = (LanguageMatcher("kubernetes", "kubernetes", NAMESPACE, SCHEME),)
