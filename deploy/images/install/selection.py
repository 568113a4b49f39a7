"""Write /selected/pyproject.toml: what of the project's file names its dependencies.

Run by the Containerfiles, so that a change elsewhere in the file does not install all
third-party packages again.
"""

# ruff: noqa: INP001 - a script that is run by its path
from __future__ import annotations

import json
import tomllib
from pathlib import Path

SOURCE = Path("/tmp/src/pyproject.toml")  # noqa: S108 - mounted by the Containerfile
TARGET = Path("/selected/pyproject.toml")


def selected(text: str) -> str:
    """The same dependencies, and nothing else that may change. A JSON list of strings is TOML."""
    project = tomllib.loads(text)["project"]
    lines = ["[project]", f'name = "{project["name"]}"', 'version = "0"']
    lines += [f"dependencies = {json.dumps(project['dependencies'])}", "[project.optional-dependencies]"]
    lines += [f"{extra} = {json.dumps(needs)}" for extra, needs in project["optional-dependencies"].items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.parent.mkdir()
    TARGET.write_text(selected(SOURCE.read_text()))
