"""Where Debian's and Ubuntu's advisories are looked up; the Matcher asks."""

from __future__ import annotations

from pyrox.scan.ecosystems.dpkg.version import SCHEME
from pyrox.scan.model import Distribution
from pyrox.scan.system import SystemMatcher


def debian_namespace(system: Distribution) -> str:
    """`debian:12`; empty for other systems, and for releases without a number."""
    return f"debian:{system.version_id}" if system.did == "debian" and system.version_id else ""


def ubuntu_namespace(system: Distribution) -> str:
    """`ubuntu:22.04`; empty for other systems."""
    return f"ubuntu:{system.version_id}" if system.did == "ubuntu" and system.version_id else ""


MATCHERS = (
    SystemMatcher("debian-matcher", "dpkg", SCHEME, namespace=debian_namespace),
    SystemMatcher("ubuntu-matcher", "dpkg", SCHEME, namespace=ubuntu_namespace),
)
