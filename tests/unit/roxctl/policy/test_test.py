"""The arguments of `roxctl policy test`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import roxctl


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "requires at least one file of cases; plain or gzip"),
        (["nosuch"], "invalid command option: open nosuch: no such file or directory"),
        (["a", "b"], ("invalid command option: open a: no such file or directory, open b: no such file "
                     "or directory")),
    ],
)  # fmt: skip
def test_missing_files_are_refused_at_once(arguments: list[str], error: str) -> None:
    done = roxctl("policy", "test", *arguments)
    assert (done.code, done.out, done.err) == (1, "", f"ERROR:\t{error}\n")


@pytest.mark.parametrize("workers", ["-1", "65"])
def test_absurd_number_of_workers_is_refused(tmp_path: Path, workers: str) -> None:
    file = tmp_path / "cases"
    file.write_bytes(b"{}")
    done = roxctl("policy", "test", str(file), "--workers", workers)
    assert done.err == f"ERROR:\tinvalid command option: --workers {workers}: give a number from 0 to 64\n"
    assert done.code == 1
