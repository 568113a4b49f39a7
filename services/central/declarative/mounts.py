"""The files of mounted ConfigMaps and Secrets. The keeper reads them every few seconds.

Kubernetes mounts a directory for each, with the files behind links that it exchanges all at
once. Sizes and numbers are bounded. It must not know what the files say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# A ConfigMap or Secret holds at most 1 MiB.
MAX_BYTES = 1 << 20
MAX_FILES = 1000


@dataclass(frozen=True, slots=True)
class Mount:
    """One ConfigMap or Secret."""

    name: str
    texts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    """Files that cannot be read, and why."""


def read_mounts(directory: Path) -> tuple[Mount, ...] | None:
    """All mounts by name; None where there is no directory for them."""
    try:
        found = sorted(entry for entry in directory.iterdir() if entry.is_dir())
    except OSError:
        return None
    return tuple(_mount(entry) for entry in found)


def _mount(directory: Path) -> Mount:
    texts: list[str] = []
    problems: list[str] = []
    try:
        # `..data` and its like are Kubernetes' own.
        names = sorted(entry for entry in directory.iterdir() if not entry.name.startswith(".."))
    except OSError as error:
        return Mount(directory.name, problems=(str(error),))
    for path in names[:MAX_FILES]:
        if path.is_dir():
            continue
        try:
            texts.append(_text(path))
        except (OSError, ValueError) as error:
            problems.append(f"{path.name}: {error}")
    if len(names) > MAX_FILES:
        problems.append(f"more than {MAX_FILES} files")
    return Mount(directory.name, tuple(texts), tuple(problems))


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"longer than {MAX_BYTES} bytes")
    return content.decode()
