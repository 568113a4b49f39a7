"""Exact version orders and the byte keys that keep them; one module for each order."""

from pyrox.scan.versions.base import InvalidVersion, key_or_none

__all__ = ["InvalidVersion", "key_or_none"]
