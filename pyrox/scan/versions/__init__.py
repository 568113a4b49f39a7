"""Exact version orders and the byte keys that keep them; one module for each order."""

from pyrox.scan.versions.base import InvalidVersion

__all__ = ["InvalidVersion"]
