"""Files of cases: numbered lines, plain or gzip, bounded."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pyrox.policy.caselines import LONGEST_LINE
from roxctl.policy.case_lines import read

_TEXT = b'{"id":1}\n\n  \n{"id":2}\n{"id":3}'


@pytest.mark.parametrize("content", [_TEXT, gzip.compress(_TEXT)])
def test_lines_are_numbered_with_blank_ones_left_out(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "cases"
    file.write_bytes(content)
    lines = [(line.where, line.content.strip(), line.broken) for line in read(str(file))]
    assert lines == [
        (f"{file}: line 1", b'{"id":1}', ""),
        (f"{file}: line 4", b'{"id":2}', ""),
        (f"{file}: line 5", b'{"id":3}', ""),
    ]


def test_empty_file_has_no_lines(tmp_path: Path) -> None:
    file = tmp_path / "cases"
    file.write_bytes(b"")
    assert list(read(str(file))) == []


@pytest.mark.parametrize("longer", [1, LONGEST_LINE + 5])
def test_line_over_the_limit_is_cut_and_the_next_one_read(tmp_path: Path, longer: int) -> None:
    file = tmp_path / "cases.gz"
    file.write_bytes(gzip.compress(b"x" * (LONGEST_LINE + longer) + b"\n{}\n", 1))
    first, second = read(str(file))
    assert len(first.content) == LONGEST_LINE + 1
    assert (second.where, second.content) == (f"{file}: line 2", b"{}\n")


@pytest.mark.parametrize("cut", [1, 9])
def test_gzip_that_breaks_off_ends_with_a_line_that_says_so(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "cases.gz"
    file.write_bytes(gzip.compress(b"{}\n" * 9)[:-cut])
    *_, last = read(str(file))
    assert last.content == b""
    assert last.broken.startswith("the file cannot be read further: ")


def test_file_that_only_starts_like_gzip_is_told(tmp_path: Path) -> None:
    file = tmp_path / "cases.gz"
    file.write_bytes(b"\x1f\x8bnothing of the kind")
    (line,) = read(str(file))
    assert (line.where, bool(line.broken)) == (f"{file}: line 1", True)
