"""Seeded changes of the scanner's code, each of which its unit tests must notice.

`PYROX_MUTANTS` says how many are made (one without it), `PYROX_MUTANT_SEED` chooses others.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COUNT = int(os.environ.get("PYROX_MUTANTS", "1"))
SEED = os.environ.get("PYROX_MUTANT_SEED", "1")
pytestmark = pytest.mark.timeout(300 + 300 * COUNT)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.mutants", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_changes_of_the_scanner_are_noticed() -> None:
    done = run("pyrox/scan", "--count", str(COUNT), "--seed", SEED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"{COUNT} of {COUNT} killed, seed {SEED}"
