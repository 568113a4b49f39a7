"""Advisories of Red Hat's container images stand in the VEX documents that the rpm ecosystem reads."""

SOURCES = ()
