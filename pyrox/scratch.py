"""A temporary directory that outlives its process only until the next one starts.

For whoever keeps files outside a database: sockets, layers, bundles in the making. Each
directory is locked by the process that made it, and the kernel frees a lock with its
holder, so what a killed process left is told apart from what a living one uses. It must
not know what is in a directory.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path

from pyrox import log

_LOG = log.get(__name__)


class Scratch:
    """One directory with a random name behind `prefix`, for the life of its owner."""

    def __init__(self, prefix: str, parent: Path | None = None) -> None:
        """`prefix` is that of one purpose of one kind of process; others' names are never touched."""
        self._prefix = prefix
        self._parent = parent
        self._lock = -1
        self._directory: Path | None = None

    @property
    def directory(self) -> Path | None:
        """The directory while it is open."""
        return self._directory

    def open(self) -> Path:
        """Make the directory, readable by this account only, and remove those of dead processes."""
        if self._directory is None:
            parent = self._parent or Path(tempfile.gettempdir())
            remove_abandoned(parent, self._prefix)
            self._directory, self._lock = _made(parent, self._prefix)
        return self._directory

    def close(self) -> None:
        """Remove the directory and all that is in it."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            os.close(self._lock)
            self._directory = None

    def __enter__(self) -> Path:
        """The directory, opened."""
        return self.open()

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        self.close()


def remove_abandoned(parent: Path, prefix: str) -> None:
    """Remove this account's directories of that prefix whose makers are gone.

    Links, files, and what belongs to another account stay as they are.
    """
    for path in sorted(parent.iterdir()):
        if path.name.startswith(prefix):
            _remove_if_abandoned(path)


def _made(parent: Path, prefix: str) -> tuple[Path, int]:
    """A new directory and its lock, taken before another start could think it abandoned."""
    while True:
        directory = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.fstat(lock).st_nlink:
                return directory, lock
            # Another start removed it in the moment before it was locked.
            os.close(lock)


def _remove_if_abandoned(directory: Path) -> None:
    try:
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        # A link, a file, gone meanwhile, or not ours to read.
        return
    try:
        found = os.fstat(lock)
        if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
            return
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory)
        _LOG.info("removed what a process that ended left", directory=str(directory))
    except BlockingIOError:
        _LOG.debug("directory of another process is left alone", directory=str(directory))
    except OSError as err:
        _LOG.warning("leftovers cannot be removed", directory=str(directory), reason=str(err))
    finally:
        os.close(lock)
