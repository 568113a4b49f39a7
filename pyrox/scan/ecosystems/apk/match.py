"""Where advisories of Alpine, Wolfi and Chainguard are looked up; the Matcher asks."""

from __future__ import annotations

from pyrox.scan.ecosystems.apk.version import SCHEME
from pyrox.scan.model import Distribution
from pyrox.scan.system import SystemMatcher


def alpine_namespace(system: Distribution) -> str:
    """`alpine:v3.19` or `alpine:edge`, by version rather than by the name that vendors change."""
    version = system.version or system.version_id
    if system.did != "alpine" or not version:
        return ""
    return f"alpine:{version}" if version == "edge" else f"alpine:v{version.removeprefix('v')}"


def rolling_namespace(system: Distribution) -> str:
    """`wolfi` or `chainguard`: rolling systems have one feed."""
    return system.did if system.did in {"wolfi", "chainguard"} else ""


MATCHERS = (
    SystemMatcher("alpine-matcher", "apk", SCHEME, namespace=alpine_namespace, source_is_name=True),
    SystemMatcher("wolfi-matcher", "apk", SCHEME, namespace=rolling_namespace, source_is_name=True),
)
