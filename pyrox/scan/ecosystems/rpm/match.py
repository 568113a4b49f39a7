"""Where advisories of distributions that use rpm are looked up; the Matcher asks."""

from __future__ import annotations

from pyrox.scan.ecosystems.rpm.version import SCHEME
from pyrox.scan.model import Distribution
from pyrox.scan.system import SystemMatcher


def release_namespace(system: Distribution) -> str:
    """`almalinux:9`, `amzn:2023` …; Red Hat's own advisories go by repository instead."""
    version = system.version_id or system.version
    return f"{system.did}:{version}" if version and system.did != "rhel" else ""


def rhel_namespace(system: Distribution) -> str:
    """`rhel` for every release: the repositories' CPEs tell the advisories apart."""
    return "rhel" if system.did in {"rhel", "rhcos"} else ""


MATCHERS = (
    SystemMatcher("rpm", "rpm", SCHEME, namespace=release_namespace),
    SystemMatcher("rhel", "rpm", SCHEME, namespace=rhel_namespace),
)
