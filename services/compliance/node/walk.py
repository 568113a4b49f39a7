"""Walks a host's root file system below a mount path, without ever leaving it.

`index` uses it. Directories are opened one below the other and links are not followed, so a
link out of the root leads nowhere, whatever changes meanwhile. Only the root's own file
system is read, and those that are mounted on its system directories: not volumes of pods,
not network shares. What is left out stands in the notes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, cast

from pyrox.scan.host import HostFile
from pyrox.scan.model import Note, NoteKind
from pyrox.scan.protocols import Entry, Limits

# Kernel's and temporary file systems, other deployments of the system, and files of containers.
LEFT_OUT: Final = frozenset(
    (
        "proc",
        "sys",
        "dev",
        "run",
        "tmp",
        "mnt",
        "media",
        "ostree",
        "sysroot",
        "var/tmp",
        "var/run",
        "var/lib/containerd",
        "var/lib/containers",
        "var/lib/crio",
        "var/lib/docker",
        "var/lib/kubelet/pods",
        "var/lib/kubelet/plugins",
        "var/lib/rancher/k3s/agent/containerd",
        "var/lib/rancher/rke2/agent/containerd",
    )
)
SYSTEM_MOUNTS: Final = frozenset(("boot", "usr", "usr/local", "opt", "var", "var/lib"))
_DEPTH: Final = 64
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not to wait for a pipe that took the file's place.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Walk:
    """One walk; `notes` are complete when the files were all taken."""

    def __init__(self, root: Path, *, wanted: Callable[[str, int], bool], limits: Limits) -> None:
        self._root = root
        self._wanted = wanted
        self._limits = limits
        self._entries = 0
        self._devices: set[int] = set()
        self.notes: list[Note] = []

    def files(self) -> Iterator[HostFile]:
        """The wanted regular files; each must be opened before the next is asked for.

        Raises `OSError` when the root itself cannot be read.
        """
        root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._devices = {os.fstat(root).st_dev}
            yield from self._directory(root, "", 0)
        finally:
            os.close(root)

    def _directory(self, directory: int, path: str, depth: int) -> Iterator[HostFile]:
        """The files of an open directory, then those of the directories in it."""
        below: list[str] = []
        for name in self._names(directory, path):
            self._entries += 1
            if self._entries > self._limits.entries:
                break
            inner = f"{path}/{name}" if path else name
            try:
                found = os.stat(name, dir_fd=directory, follow_symlinks=False)
            except OSError as error:
                self._note(NoteKind.MALFORMED, inner, f"cannot be read: {error.strerror}")
                continue
            if stat.S_ISDIR(found.st_mode) and self._enters(inner, found.st_dev, depth):
                below.append(name)
            elif stat.S_ISREG(found.st_mode) and self._wanted(inner, found.st_mode):
                entry = Entry(inner, found.st_size, stat.S_IMODE(found.st_mode))
                yield HostFile(entry, partial(_opened, name, directory))
        for name in below:
            yield from self._below(directory, name, f"{path}/{name}" if path else name, depth)

    def _below(self, directory: int, name: str, path: str, depth: int) -> Iterator[HostFile]:
        try:
            inner = os.open(name, _DIRECTORY, dir_fd=directory)
        except OSError as error:
            self._note(NoteKind.MALFORMED, path, f"cannot be read: {error.strerror}")
            return
        try:
            yield from self._directory(inner, path, depth + 1)
        finally:
            os.close(inner)

    def _names(self, directory: int, path: str) -> list[str]:
        """The names in a directory, in order; a directory without end is cut."""
        if self._entries > self._limits.entries:
            return []
        names: list[str] = []
        try:
            with os.scandir(directory) as found:
                for one in found:
                    names.append(one.name)
                    if self._entries + len(names) > self._limits.entries:
                        self._note(NoteKind.TOO_MANY, path, f"more than {self._limits.entries} files")
                        break
        except OSError as error:
            self._note(NoteKind.MALFORMED, path, f"cannot be read: {error.strerror}")
        return sorted(names)

    def _enters(self, path: str, device: int, depth: int) -> bool:
        if path in LEFT_OUT:
            return False
        if depth >= _DEPTH:
            self._note(NoteKind.TOO_DEEP, path, f"more than {_DEPTH} directories deep")
            return False
        if device in self._devices:
            return True
        if path in SYSTEM_MOUNTS:
            self._devices.add(device)
            return True
        self._note(NoteKind.UNSUPPORTED, path, "another file system is mounted here; it is not read")
        return False

    def _note(self, kind: NoteKind, subject: str, detail: str) -> None:
        if len(self.notes) < self._limits.notes:
            self.notes.append(Note(kind, subject, detail))


def _opened(name: str, directory: int) -> BinaryIO:
    """The file, if it is still a regular one."""
    file = os.open(name, _FILE, dir_fd=directory)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(0, "no regular file any more")
    return cast("BinaryIO", os.fdopen(file, "rb"))
