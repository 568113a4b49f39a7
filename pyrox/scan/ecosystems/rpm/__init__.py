"""Distributions that use rpm: their releases, versions and advisories."""
