"""Every parser on changed samples, and every known attack, each in a process with bounded memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyrox.scan.advisories.model import ParsedAdvisory
from pyrox.scan.catalogue import detectors, sources
from pyrox.scan.layer import index_files
from tests.fuzz.attacks import ATTACKS
from tests.fuzz.child import MEMORY
from tests.fuzz.documents import FEEDS
from tests.fuzz.parsers import LOCKS, PARSERS

ROOT = Path(__file__).resolve().parents[2]
SECONDS = float(os.environ.get("PYROX_FUZZ_SECONDS", "5"))
SEED = os.environ.get("PYROX_FUZZ_SEED", "1")
ATTACK_SECONDS = 120
"""The longest that one attack may take; the slowest needs a sixth of it on two cores."""
pytestmark = pytest.mark.timeout(SECONDS + ATTACK_SECONDS + 60)


def child(*arguments: str, seconds: float) -> dict[str, Any]:
    """What the process says."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.child", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("name", PARSERS)
def test_parser_reads_or_refuses_changed_samples(name: str) -> None:
    answer = child("fuzz", name, str(SECONDS), SEED, seconds=SECONDS + ATTACK_SECONDS)
    assert answer["said"] > 0
    assert answer["peak"] < MEMORY


@pytest.mark.parametrize("path", FEEDS)
def test_sample_of_a_feed_has_an_advisory(path: str) -> None:
    found = [item for source in sources() if source.accepts(path) for item in source.parse(path, FEEDS[path])]
    assert any(isinstance(item, ParsedAdvisory) and item.rows for item in found), found


@pytest.mark.parametrize("name", LOCKS)
def test_sample_of_a_lock_file_has_a_package(name: str) -> None:
    for sample in LOCKS[name]:
        found = index_files({f"app/{name}": sample}, digest="sha256:0", detectors=detectors())
        assert found.merged().packages, sample


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_answered_in_bounded_memory(name: str) -> None:
    answer = child("attack", name, seconds=ATTACK_SECONDS)
    assert ATTACKS[name][1] in answer["said"]
    assert answer["peak"] < MEMORY
