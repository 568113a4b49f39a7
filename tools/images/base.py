"""The base root: given as a directory or an archive, or made by debootstrap.

Called by `builder` when no container engine does the work.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

SUITE = "trixie"
# The word for `BASE` that asks for a root of our own making.
OWN = "debootstrap"
# Read by the package tools of the root itself, so that later installations stay small too.
_NO_DOCS = """\
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/lintian/*
"""


def key(base: str) -> str:
    """What identifies a base: the recipe of ours, or the archive's content, or the directory's path."""
    if base == OWN:
        return hashlib.sha256(f"debootstrap {SUITE} 3 {_NO_DOCS}".encode()).hexdigest()
    path = Path(base)
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(f"directory {path.resolve()} {path.stat().st_mtime_ns}".encode()).hexdigest()


def make(base: str, target: Path) -> None:
    """Fill an empty directory with the base root."""
    path = Path(base)
    if base == OWN:
        _debootstrap(target)
    elif path.is_dir():
        subprocess.run(["cp", "-a", f"{path}/.", str(target)], check=True)
    elif path.is_file():
        with tarfile.open(path) as tar:
            tar.extractall(target, filter="fully_trusted")  # noqa: S202 - a root of the user's own, with devices
    else:
        raise FileNotFoundError(f"BASE={base}: neither a directory nor an archive of a root")
    _clean(target)


def _debootstrap(target: Path) -> None:
    command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(target)]
    # A mirror that fails once is usually well a moment later; debootstrap takes up where it was.
    for _ in range(3):
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode == 0:
            break
    else:
        raise SystemExit(f"images: debootstrap failed\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    sources = target / "etc/apt/sources.list"
    mirror = sources.read_text().split()[1]
    lines = [
        f"deb {mirror} {SUITE} main",
        f"deb {mirror} {SUITE}-updates main",
        f"deb {mirror.rstrip('/').removesuffix('/debian')}/debian-security {SUITE}-security main",
    ]
    sources.write_text("\n".join(lines) + "\n")
    (target / "etc/dpkg/dpkg.cfg.d/no-docs").write_text(_NO_DOCS)


def _clean(target: Path) -> None:
    """Take out what a container never reads, or what tells of the machine that built it."""
    for folder in (
        *("usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian"),
        *("var/lib/apt/lists", "var/cache/apt", "var/cache/debconf", "var/log", "dev", "proc", "sys", "run"),
        *("tmp", "debootstrap"),
    ):
        for entry in (target / folder).glob("*"):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    for doc in (target / "usr/share/doc").glob("*/*"):
        if doc.name != "copyright":
            shutil.rmtree(doc) if doc.is_dir() and not doc.is_symlink() else doc.unlink()
    for name in ("var/cache/ldconfig/aux-cache", "etc/machine-id", "etc/hostname"):
        (target / name).unlink(missing_ok=True)
    for copy in (target / "etc").glob("*-"):
        copy.unlink()
    for old in (target / "var/lib/dpkg").glob("*-old"):
        old.unlink()
    (target / "etc/resolv.conf").write_text("")
