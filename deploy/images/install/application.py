"""Lay out our own code in an image: application.py PART... with the checkout in /tmp/src.

Run by the Containerfiles with the image's own Python. A part is a process of `services`
(`central`), `roxctl`, `pyrox` (without the generated messages), or `pb` (those alone,
since they change seldom and take longest to compile). Writes below /out: packages into
the virtual environment, one command for each entry of `[project.scripts]` whose module is
there, and below /stackrox a link to each command, where upstream has it.
"""

# ruff: noqa: INP001 - a script that is run by its path
from __future__ import annotations

import compileall
import py_compile
import shutil
import sys
import tomllib
from pathlib import Path

SOURCE = Path("/tmp/src")  # noqa: S108 - mounted by the Containerfile
OUT = Path("/out")
ENVIRONMENT = "opt/pyrox"
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
_COMMAND = """\
#!/{environment}/bin/python3
import sys

from {module} import {function}

if __name__ == "__main__":
    sys.exit({function}())
"""
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.pyi", "README.md")


def copy(part: str, packages: Path) -> None:
    """Copy one part; a process brings the package around it."""
    if part == "pb":
        shutil.copytree(SOURCE / "pyrox/pb", packages / "pyrox/pb", ignore=_IGNORED)
    elif part == "pyrox":
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "*.pyi", "README.md", "pb")
        shutil.copytree(SOURCE / "pyrox", packages / "pyrox", ignore=ignored)
    elif part == "roxctl":
        shutil.copytree(SOURCE / "roxctl", packages / "roxctl", ignore=_IGNORED)
        # As the wheel's force-include does: `roxctl helm output` writes the charts out.
        shutil.copytree(SOURCE / "deploy/helm", packages / "roxctl/helm/files")
    else:
        whole = packages / "services"
        whole.mkdir(exist_ok=True)
        for name in ("__init__.py", "__main__.py", *(["scanner.py"] if part.startswith("scanner") else [])):
            shutil.copyfile(SOURCE / "services" / name, whole / name)
        shutil.copytree(SOURCE / "services" / part, whole / part, ignore=_IGNORED)
        if part == "central":
            # Where the wheel has them: Central gives the charts out.
            shutil.copytree(SOURCE / "deploy/helm", packages / "roxctl/helm/files")


def commands(parts: list[str], scripts: dict[str, str]) -> dict[str, str]:
    """Name and target of the commands whose code is among the parts."""
    there = {f"services.{part}" for part in parts} | set(parts)
    if {"scanner_indexer", "scanner_matcher"} <= set(parts):
        there.add("services.scanner")
    found = {}
    for name, target in scripts.items():
        module = target.partition(":")[0]
        if ".".join(module.split(".")[:2]) in there or module.split(".")[0] in there - {"services", "pyrox"}:
            found[name] = target
    return found


def main(parts: list[str]) -> int:
    """Lay out the parts; 0 when done."""
    packages = OUT / ENVIRONMENT / "lib" / _PYTHON / "site-packages"
    packages.mkdir(parents=True)
    for part in parts:
        copy(part, packages)
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    # The path that tracebacks show is the one in the image.
    shown = str(Path("/") / packages.relative_to(OUT))
    if not compileall.compile_dir(packages, quiet=1, workers=2, ddir=shown, invalidation_mode=unchecked):
        return 1
    if "pb" in parts:
        return 0
    scripts = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]["scripts"]
    for folder in ("usr/local/bin", "stackrox"):
        (OUT / folder).mkdir(parents=True)
    for name, target in commands(parts, scripts).items():
        module, _, function = target.partition(":")
        command = OUT / "usr/local/bin" / name
        command.write_text(_COMMAND.format(environment=ENVIRONMENT, module=module, function=function))
        command.chmod(0o755)
        (OUT / "stackrox" / name).symlink_to(f"/usr/local/bin/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
