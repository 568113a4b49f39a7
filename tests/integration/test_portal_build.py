"""The portal's own checks (types, lint, unit tests) and what the build may weigh."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest

from tools import build_ui

UI = build_ui.UI
# Kilobytes after gzip; the budgets of docs/how-to/portal-development.md.
SHELL_SCRIPTS, SHELL_STYLES, LAZY_CHUNK = 220, 110, 200

pytestmark = [pytest.mark.needs("node"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def dist() -> Path:
    build_ui.ensure()
    return UI / "dist"


def weight(path: Path) -> float:
    return len(gzip.compress(path.read_bytes())) / 1000


def shell_files(dist: Path) -> list[Path]:
    """What the browser loads before any page: all that index.html names."""
    return [
        dist / name
        for name in re.findall(r'(?:src|href)="/(static/[^"]+)"', (dist / "index.html").read_text())
    ]


@pytest.mark.parametrize("script", ["types", "lint", "test"])
def test_portal_own_check_passes(script: str, dist: Path) -> None:
    node = build_ui.find_node()
    done = subprocess.run(
        [*node.npm, "run", "--silent", script],
        cwd=UI,
        env=node.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"


@pytest.mark.parametrize(("suffix", "budget"), [(".js", SHELL_SCRIPTS), (".css", SHELL_STYLES)])
def test_portal_shell_stays_within_budget(dist: Path, suffix: str, budget: int) -> None:
    files = [path for path in shell_files(dist) if path.suffix == suffix]
    assert files
    assert sum(map(weight, files)) <= budget


def test_portal_lazy_chunks_stay_within_budget(dist: Path) -> None:
    shell = set(shell_files(dist))
    heavy = {path.name: weight(path) for path in (dist / "static").glob("*.js") if path not in shell}
    assert len(heavy) > 10, "the pages are chunks of their own"
    assert {name: size for name, size in heavy.items() if size > LAZY_CHUNK} == {}


def test_portal_loads_nothing_from_elsewhere(dist: Path) -> None:
    text = (dist / "index.html").read_text()
    assert re.findall(r'(?:src|href)="(?!/)[^"]*"', text) == []
    styles = "".join(path.read_text() for path in (dist / "static").glob("*.css"))
    assert re.findall(r"url\(\"?https?:[^)]*\)", styles) == []


def test_portal_lock_file_names_no_registry() -> None:
    lock = json.loads((UI / "package-lock.json").read_text())
    assert len(lock["packages"]) > 100
    assert [name for name, entry in lock["packages"].items() if "resolved" in entry] == []


def test_portal_lock_file_pins_every_package_by_hash() -> None:
    lock = json.loads((UI / "package-lock.json").read_text())
    unpinned = [
        name
        for name, entry in lock["packages"].items()
        if name and "integrity" not in entry and not entry.get("inBundle")
    ]
    assert unpinned == []
