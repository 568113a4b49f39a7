"""Lock files in TOML: Poetry, uv, PDM and Cargo. `pyrox.scan.locks` calls the readers.

They are written by machine, one value a line, and read so: a whole TOML parser would cost the
square of the length for some hostile files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_ASSIGNED: Final = re.compile(r"(name|version|source|category|groups) = (.*)")
_TEXT: Final = re.compile(r'"([^"\\]{1,1024})"')
_START: Final = "[[package]]"
_SOURCE: Final = "[package.source]"
_LOCAL: Final = ("editable = ", "virtual = ", "directory = ")
_REGISTRY: Final = "registry+"

Table = dict[str, str]


def _packages(content: bytes) -> Iterator[Table]:
    """The tables `[[package]]` as raw values, with the type of a source that is a table below."""
    table: Table | None = None
    within = ""
    for line in content.decode("utf-8").splitlines():
        if line.startswith("["):
            within = line.strip()
            if table is not None and (within == _START or not within.startswith("[package.")):
                yield table
                table = None
            table = {} if within == _START else table
        elif table is not None and within == _START and (found := _ASSIGNED.match(line)):
            table[found[1]] = found[2]
        elif table is not None and within == _SOURCE and line.startswith("type = "):
            table["source"] = line.removeprefix("type = ")
    if table is not None:
        yield table


def _named(table: Table) -> tuple[str, str] | None:
    name, version = (_TEXT.match(table.get(key, "")) for key in ("name", "version"))
    return (name[1], version[1]) if name and version else None


def _developers(table: Table) -> bool:
    groups = _TEXT.findall(table.get("groups", ""))
    return table.get("category") == '"dev"' or (bool(groups) and set(groups) == {"dev"})


def _local(source: str) -> bool:
    return source == '"directory"' or source.lstrip("{ ").startswith(_LOCAL)


def python(content: bytes) -> Iterator[tuple[str, str]]:
    """`poetry.lock`, `uv.lock`, `pdm.lock`; the project itself and developers' groups are left out."""
    for table in _packages(content):
        found = _named(table)
        if found and not _developers(table) and not _local(table.get("source", "")):
            yield found


def cargo(content: bytes) -> Iterator[tuple[str, str]]:
    """`Cargo.lock`; crates of the workspace, of folders and of repositories are left out."""
    for table in _packages(content):
        found = _named(table)
        if found and table.get("source", "").strip('"').startswith(_REGISTRY):
            yield found
