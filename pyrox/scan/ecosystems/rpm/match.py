"""Where advisories of distributions that use rpm are looked up; the Matcher asks."""

from __future__ import annotations

from pyrox.scan.advisories.vex import RPM_NAMESPACE
from pyrox.scan.ecosystems.rpm.version import SCHEME
from pyrox.scan.model import Distribution
from pyrox.scan.redhat import RPM_KEY, RepositoryMatcher, rpm_names
from pyrox.scan.system import SystemMatcher


def release_namespace(system: Distribution) -> str:
    """`almalinux:9`, `amzn:2023` …; Red Hat's own advisories go by repository instead."""
    version = system.version_id or system.version
    return f"{system.did}:{version}" if version and system.did != "rhel" else ""


MATCHERS = (
    SystemMatcher("rpm", "rpm", SCHEME, namespace=release_namespace),
    RepositoryMatcher("rhel", "rpm", SCHEME, key=RPM_KEY, namespace=RPM_NAMESPACE, names=rpm_names),
)
