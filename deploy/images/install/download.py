"""Make the roxctl that Central hands out for Linux: one file that needs no Python.

Run by the Containerfile of `main` with the image's own Python, over roxctl's virtual
environment in /opt/pyrox. The file is a shell script with an archive behind it: the
interpreter with its library, the packages, and every shared library down to libc, so that
it starts on any Linux of the architecture. It unpacks itself once into the user's cache.
"""

# ruff: noqa: INP001 - a script that is run by its path
from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

PACKAGES = Path(f"/opt/pyrox/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages")
TARGET = Path("/out/assets/downloads/cli")
# Parts of the standard library that a command line client has no use for.
_LEFT_OUT = {"ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter", "turtledemo", "venv"}
HEADER = """\
#!/bin/sh
# roxctl for Linux. Unpacks itself into the cache of the user who runs it, once.
set -eu
if [ -z "${XDG_CACHE_HOME:-}${HOME:-}" ]; then
    echo "roxctl: set HOME or XDG_CACHE_HOME to a directory that can be written" >&2
    exit 1
fi
caches=${XDG_CACHE_HOME:-$HOME/.cache}/roxctl
here=$caches/@DIGEST@
if [ ! -x "$here/start" ]; then
    mkdir -p "$caches"
    new=$(mktemp -d "$caches/new.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    # What comes out is compared with what was packed: a download may have broken off.
    tail -n +@LINES@ "$0" >"$new/archive"
    if ! echo "@DIGEST@  $new/archive" | sha256sum -c - >/dev/null 2>&1; then
        echo "roxctl: $0 is damaged: download it again" >&2
        exit 1
    fi
    gzip -dc <"$new/archive" | tar -xf - -C "$new"
    rm "$new/archive"
    # Another one that was first has unpacked the same; not every mv knows -T.
    mv -T "$new" "$here" 2>/dev/null || [ -x "$here/start" ] || mv "$new" "$here"
    rm -rf "$new"
    trap - EXIT
fi
exec "$here/start" "$@"
"""
# The loader is named, and the libraries beside it: those of the machine may be older.
_START = """\
#!/bin/sh
here=${0%/*}
export PYTHONHOME="$here/python" PYTHONPATH="$here/packages" PYTHONDONTWRITEBYTECODE=1
exec "$here/lib/@LOADER@" --library-path "$here/lib" "$here/python/bin/python3" -P -c '
import os, sys
for name in ("PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
    del os.environ[name]
sys.argv[0] = "roxctl"
from roxctl.main import main
sys.exit(main())' "$@"
"""


def libraries(files: Iterable[Path]) -> dict[str, Path]:
    """Name and path of every shared library that the files load, the loader among them."""
    found: dict[str, Path] = {}
    for file in files:
        told = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False).stdout
        for path in re.findall(r"(/\S+) \(0x", told):
            found.setdefault(Path(path).name, Path(path))
    return found


def gather(payload: Path) -> None:
    """Lay out what the archive will hold."""
    library = Path(os.__file__).parent
    inside = payload / "python/lib" / library.name
    shutil.copytree(library, inside, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    shutil.copytree(PACKAGES, payload / "packages")
    (payload / "python/bin").mkdir()
    python = payload / "python/bin/python3"
    shutil.copy(Path(sys.executable).resolve(), python)
    (payload / "lib").mkdir()
    wanted = libraries([python, *sorted(payload.rglob("*.so")), *sorted(payload.rglob("*.so.*"))])
    for name, path in wanted.items():
        shutil.copy(path.resolve(), payload / "lib" / name)
    loader = next(name for name in wanted if name.startswith("ld-linux"))
    start = payload / "start"
    start.write_text(_START.replace("@LOADER@", loader))
    start.chmod(0o755)


def pack(payload: Path, target: Path) -> None:
    """Write the one file. The same payload gives the same bytes."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for path in sorted(payload.rglob("*")):
            entry = tar.gettarinfo(path, arcname=str(path.relative_to(payload)))
            entry.mtime = entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            if entry.isreg():
                with path.open("rb") as data:
                    tar.addfile(entry, data)
            else:
                tar.addfile(entry)
    archive = packed.getvalue()
    header = HEADER.replace("@DIGEST@", hashlib.sha256(archive).hexdigest())
    header = header.replace("@LINES@", str(header.count("\n") + 1))
    target.write_bytes(header.encode() + archive)
    target.chmod(0o755)


def main() -> int:
    """Make the file under the names that clients ask for."""
    payload = Path("/tmp/payload")  # noqa: S108 - of the step that builds the image
    payload.mkdir()
    gather(payload)
    TARGET.mkdir(parents=True)
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    name = f"roxctl-linux-{architecture}"
    pack(payload, TARGET / name)
    (TARGET / "roxctl-linux").symlink_to(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
