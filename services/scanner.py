"""The `scanner` command: upstream's one binary for Indexer and Matcher, told apart by its file.

`indexer.enable` and `matcher.enable` of `--conf` say which process this becomes; it then
replaces itself by that process, so that neither loads the other's code.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from pyrox import env
from pyrox.errors import Invalid
from pyrox.scan import settings

_SECTIONS = {"indexer": "scanner_indexer", "matcher": "scanner_matcher"}


def chosen(raw: bytes, environment: Mapping[str, str]) -> str:
    """The process that the configuration enables; both are enabled unless it says otherwise.

    Raises `Invalid` when it is not exactly one, and for a file that neither would take.
    """
    values = settings.read(raw, environment)
    enabled = [process for section, process in _SECTIONS.items() if values[f"{section}.enable"]]
    if len(enabled) != 1:
        raise Invalid("enable one of indexer.enable and matcher.enable; each runs as a process of its own")
    return enabled[0]


def main() -> int:
    """Become the chosen process; 2 when the configuration does not choose one."""
    flags = argparse.ArgumentParser(prog="scanner", description="Scanner V4 Indexer or Matcher")
    flags.add_argument("--conf", type=Path, default=None, help="path of the YAML configuration")
    conf = flags.parse_args().conf
    try:
        name = chosen(conf.read_bytes() if conf else b"", env.environ())
    except (Invalid, OSError) as err:
        sys.stderr.write(f"scanner: {err}\n")
        return 2
    return _become(name)


def _become(process: str) -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-m", "services", process, *sys.argv[1:]])  # noqa: S606
