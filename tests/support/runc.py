"""A container made by runc, with a root of a few of this machine's programs; needs root."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAMS = ("sh", "true", "ls", "sleep", "env", "cp", "mkdir", "chroot")
_LIBRARY = re.compile(r"(/\S+) \(0x")
_CGROUPS = Path("/sys/fs/cgroup")
_SETS = ("bounding", "effective", "permitted")
_NAMESPACES = ("pid", "mount", "ipc", "uts")


class Container:
    """One container; `run` starts programs in it and waits for them."""

    def __init__(self, directory: Path, *, group: str = "cri-containerd-{id}.scope") -> None:
        self.id = secrets.token_hex(32)
        self.short = self.id[:12]
        self._directory = directory
        self._pod = f"pyrox-test-{self.id[:8]}"
        self._cgroup = f"/{self._pod}/kubepods/burstable/pod0/{group.format(id=self.id)}"

    def run(self, *words: str, user: str = "0:0", check: bool = True) -> str:
        """Run a program in it as `runc exec` does; what it wrote."""
        return self._runc("exec", "--user", user, self.id, *words, check=check).stdout

    def start(self) -> None:
        """Make the root and start a process that sleeps."""
        root = self._directory / "rootfs"
        _make_root(root)
        (self._directory / "config.json").write_text(json.dumps(self._config()))
        self._runc("run", "--detach", "--bundle", str(self._directory), self.id)

    def remove(self) -> None:
        """End every process in it and take the groups away."""
        self._runc("delete", "--force", self.id, check=False)
        for tree in (_CGROUPS, *_CGROUPS.iterdir()):
            top = tree / self._pod
            if top.is_dir():
                for group in sorted(top.rglob("*"), reverse=True):
                    if group.is_dir():
                        with contextlib.suppress(OSError):
                            group.rmdir()
                top.rmdir()

    def _runc(self, command: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        # A detached container keeps what it was given as output open, so nothing is piped then.
        piped = subprocess.PIPE if command == "exec" else None
        with (self._directory / "runc.err").open("w+") as errors:
            done = subprocess.run(
                ["runc", "--root", str(self._directory / "state"), command, *words],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=piped or subprocess.DEVNULL,
                stderr=errors,
                text=True,
                timeout=60,
            )
            errors.seek(0)
            assert not check or done.returncode == 0, errors.read()
        return done

    def _config(self) -> dict[str, Any]:
        return {
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": 0, "gid": 0},
                "args": ["/bin/sleep", "1000"],
                "env": ["PATH=/bin"],
                "cwd": "/",
                "capabilities": {kind: ["CAP_SYS_CHROOT"] for kind in _SETS},
            },
            "root": {"path": "rootfs"},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
            ],
            "linux": {
                "cgroupsPath": self._cgroup,
                "namespaces": [{"type": kind} for kind in _NAMESPACES],
            },
        }


@contextmanager
def running_container(directory: Path, **options: str) -> Iterator[Container]:
    """A started container that is always cleaned up."""
    container = Container(directory, **options)
    try:
        container.start()
        yield container
    finally:
        container.remove()


def unified_groups() -> Path | None:
    """Where the tree of control groups version 2 is mounted; None where there is none."""
    for tree in (_CGROUPS, _CGROUPS / "unified"):
        if (tree / "cgroup.controllers").exists():
            return tree
    return None


@contextmanager
def group(tree: Path, *names: str) -> Iterator[Path]:
    """Control groups one below the other in one tree; the innermost is given."""
    path = tree.joinpath(*names)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        for _ in names:
            path.rmdir()
            path = path.parent


def _make_root(root: Path) -> None:
    for name in ("bin", "proc", "dev"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        program = Path(shutil.which(name) or name).resolve()
        for library in _libraries(program):
            copy = root / library.relative_to("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, copy)
        shutil.copy(program, root / "bin" / name)


def _libraries(program: Path) -> Sequence[Path]:
    done = subprocess.run(["ldd", str(program)], check=False, capture_output=True, text=True)
    return [Path(name) for name in _LIBRARY.findall(done.stdout)]
