"""The page about CI: its YAML is YAML, and every roxctl line in it is one that our parser takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cli import roxctl

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "ci.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
LINES = sorted(set(re.findall(r"roxctl ((?:image|deployment) (?:check|scan) --[^\n`>']*)", PAGE)))


@pytest.mark.parametrize(
    "block", [text for kind, text in BLOCKS if kind == "yaml"], ids=["github", "gitlab", "tekton"]
)
def test_yaml_block_is_yaml(block: str) -> None:
    parsed: Any = yaml.safe_load(block)
    assert isinstance(parsed, dict)


def test_page_has_all_four_systems() -> None:
    for heading in ("GitHub Actions", "GitLab CI", "Jenkins", "Tekton"):
        assert f"\n## {heading}\n" in PAGE


@pytest.mark.parametrize("line", LINES)
def test_roxctl_line_is_understood(line: str) -> None:
    words = [word.replace("$IMAGE", "nginx:1") for word in shlex.split(line)]
    # A line that is understood gets as far as this CA, or as a manifest that is not here.
    done = roxctl(*words, "--retries", "0", "--ca", "/nonexistent/ca.pem")
    assert done.code == 1
    assert "could not read CA file" in done.err or "no such file or directory" in done.err, done.err
