"""The file system of a real image: debootstrap's root with packages added by pip and npm, and a jar."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from tools.build_ui import find_node

PIP = (
    "requests==2.19.0",
    "Django==2.2.1",
    "Jinja2==2.10",
    "urllib3==1.24.1",
    "Werkzeug==0.15.2",
    "Flask==0.12",
    "sqlparse==0.3.0",
    "certifi==2024.8.30",
)
NPM = ("lodash@4.17.4", "minimist@0.0.8", "debug@2.6.8")
APPS = ("srv", "opt", "usr/local/lib/python3.11")
"""What was added; a layer of its own."""


def run(*command: str, cwd: Path | None = None) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def npm(*arguments: str, cwd: Path) -> str:
    """What npm prints; it is the machine's, or that of the Node.js in the virtual environment."""
    return run(*find_node().npm, *arguments, cwd=cwd)


def build(root: Path) -> None:
    """Make the root; it needs root's rights, debootstrap, npm and the package indexes."""
    run("debootstrap", "--variant=minbase", "bookworm", str(root))
    packages = root / "usr/local/lib/python3.11/dist-packages"
    quiet = ("--quiet", "--no-deps", "--no-compile", "--no-warn-conflicts")
    run(sys.executable, "-m", "pip", "install", *quiet, "--target", str(packages), *PIP)
    app = root / "srv/app"
    app.mkdir(parents=True)
    (app / "package.json").write_text(json.dumps({"name": "app", "version": "1.0.0"}))
    npm("install", "--no-audit", "--no-fund", "--ignore-scripts", *NPM, cwd=app)
    _jar(root / "opt/log4j-core-2.14.1.jar")


def _jar(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        jar.writestr(
            "META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties",
            "version=2.14.1\ngroupId=org.apache.logging.log4j\nartifactId=log4j-core\n",
        )


def layers(root: Path, directory: Path) -> list[Path]:
    """Two gzip-compressed layers: the base, and what was added to it."""
    base, apps = directory / "base.tar.gz", directory / "apps.tar.gz"
    without = [f"--exclude=./{name}" for name in (*APPS, "proc", "sys", "dev")]
    run("tar", "-C", str(root), "--one-file-system", "-czf", str(base), *without, ".")
    run("tar", "-C", str(root), "--one-file-system", "-czf", str(apps), *(f"./{name}" for name in APPS))
    return [base, apps]
