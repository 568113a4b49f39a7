"""The build context: which files of the checkout an instruction sees, and their hash.

Called by `builder`. Follows `.dockerignore` as container engines do, so that every tool
copies the same files.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path


class Context:
    """The checkout, less what `.dockerignore` leaves out."""

    def __init__(self, *, root: Path) -> None:
        self.root = root
        ignore = root / ".dockerignore"
        self._rules = rules(ignore.read_text() if ignore.exists() else "")

    def ignored(self, path: str) -> bool:
        """Whether a file is left out: the last rule that fits it or a folder above it decides."""
        verdict = False
        parts = path.split("/")
        above = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        for keep, pattern in self._rules:
            if any(pattern.fullmatch(part) for part in above):
                verdict = not keep
        return verdict

    def files(self, source: str) -> Iterator[str]:
        """Every file of the context at or below a path, sorted, relative to the root."""
        start = self.root / source
        if start.is_file():
            yield source
            return
        for folder, folders, names in os.walk(start):
            folders.sort()
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), self.root)  # noqa: PTH118 - a hot loop
                if not self.ignored(path):
                    yield path

    def digest(self, source: str) -> str:
        """One hash over names, executable bits and contents at or below a path."""
        total = hashlib.sha256()
        for path in self.files(source):
            file = self.root / path
            total.update(f"{path}\0{int(os.access(file, os.X_OK))}\0".encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
        return total.hexdigest()

    def copy(self, source: str, target: Path) -> None:
        """Copy a file, or what a folder holds, to a path; owners are root, modes 755 and 644."""
        start = self.root / source
        if not start.exists():
            raise FileNotFoundError(f"{source}: not in the build context")
        for path in self.files(source):
            inside = os.path.relpath(path, source) if start.is_dir() else ""
            place = target / inside if inside else target
            place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            shutil.copyfile(self.root / path, place)
            place.chmod(0o755 if os.access(self.root / path, os.X_OK) else 0o644)


def rules(text: str) -> list[tuple[bool, re.Pattern[str]]]:
    """(is it an exception, pattern) for each line of a `.dockerignore`."""
    found = []
    for line in text.splitlines():
        rule = line.strip()
        if not rule or rule.startswith("#"):
            continue
        keep = rule.startswith("!")
        found.append((keep, _pattern(rule.removeprefix("!").strip("/"))))
    return found


def _pattern(rule: str) -> re.Pattern[str]:
    made = re.escape(rule).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    return re.compile(made.replace(r"\*", "[^/]*").replace(r"\?", "[^/]"))
