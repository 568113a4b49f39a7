"""Debian and Ubuntu: dpkg databases, distributions, versions and advisories."""
