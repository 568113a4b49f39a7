"""Names of requests to files of one directory, never of another. The file routes ask it."""

from __future__ import annotations

from pathlib import Path


def file_in(root: Path, name: str) -> Path | None:
    """The file of that name below `root`, an absolute path without links; None when there is none."""
    try:
        file = (root / name).resolve()
        return file if file.is_relative_to(root) and file.is_file() else None
    except (OSError, ValueError, RuntimeError):
        # A name that no file can have (too long, with a NUL), or links in a circle.
        return None
