"""Write `requirements.lock`: every dependency of every extra and group, with hashes.

Run by `make lock`. The file names no package index: pip takes the configured one.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def wanted(project: dict[str, object]) -> list[str]:
    """All requirement strings of the project, its extras and its groups, without repeats."""
    table = project["project"]
    assert isinstance(table, dict)  # noqa: S101 - the file is ours
    groups = project["dependency-groups"]
    assert isinstance(groups, dict)  # noqa: S101
    lists = [table["dependencies"], *table["optional-dependencies"].values(), *groups.values()]
    return sorted({requirement for requirements in lists for requirement in requirements})


def main() -> int:
    """Resolve and write the lock file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lock = ROOT / "requirements.lock"
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--generate-hashes", "--universal"]
    command += ["--python-version", "3.11", "--no-emit-index-url", "--no-header", "--no-annotate"]
    # A hijacked release is usually found within a week, so nothing younger is taken.
    command += ["--exclude-newer", "7 days"]
    command += ["--output-file", str(lock), "--quiet"]
    return subprocess.run(command, input="\n".join(wanted(project)), text=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
