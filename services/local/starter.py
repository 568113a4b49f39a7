"""The starter advisories as a bundle that Central hands to the Matcher."""

from __future__ import annotations

from pathlib import Path


def write(target: Path) -> None:
    """Write the bundle unless it is there and current."""
    target.parent.mkdir(parents=True, exist_ok=True)
