"""The subcommand `compare`, run whole on streams in memory."""

from __future__ import annotations

import io

import pytest

from services.scannerctl.command import Streams
from services.scannerctl.compare import MAX_LINE_BYTES, lines
from services.scannerctl.main import run


def compared(ecosystem: str, stdin: bytes) -> tuple[int, str, str]:
    """Exit code, output and error output."""
    streams = Streams(stdin=io.BytesIO(stdin), out=io.StringIO(), err=io.StringIO(), environment={})
    code = run(["compare", "--ecosystem", ecosystem], streams)
    assert isinstance(streams.out, io.StringIO)
    assert isinstance(streams.err, io.StringIO)
    return code, streams.out.getvalue(), streams.err.getvalue()


def test_pairs_give_one_line_each_without_complaint() -> None:
    found = compared("dpkg", b"1.0\t2.0\n1.0\t1.0-0\r\n2\t1\nbad version\t1")
    assert found == (0, "<\t<\n=\t=\n>\t>\n?\t?\n", "")


def test_line_that_is_no_pair_is_named_and_the_rest_goes_on() -> None:
    code, out, err = compared("semver", b"1.0.0\n\n1.0.0\t2.0.0\n")
    assert (code, out) == (0, "?\t?\n?\t?\n<\t<\n")
    assert err == (
        "scannerctl compare: line 1: 0 tabs, where one stands between two versions\n"
        "scannerctl compare: line 2: 0 tabs, where one stands between two versions\n"
    )


def test_line_without_bound_is_passed_over_in_pieces() -> None:
    code, out, err = compared("rpm", b"1" * (3 * MAX_LINE_BYTES) + b"\t1\n1\t2\n")
    assert (code, out) == (0, "?\t?\n<\t<\n")
    assert err == "scannerctl compare: line 1: too long to be two versions\n"


def test_many_bad_lines_are_counted_not_named() -> None:
    code, out, err = compared("rpm", b"x\n" * 25)
    assert (code, out) == (0, "?\t?\n" * 25)
    assert err.splitlines()[-1] == "scannerctl compare: 25 lines were no pairs; the first 20 are named"
    assert len(err.splitlines()) == 21


@pytest.mark.parametrize(
    ("stdin", "expected"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\r\nb\n\n", [b"a", b"b", b""]),
        (b"a" * MAX_LINE_BYTES, [None]),
        (b"a" * MAX_LINE_BYTES + b"\nb", [None, b"b"]),
        (b"a" * (MAX_LINE_BYTES - 1) + b"\nb", [b"a" * (MAX_LINE_BYTES - 1), b"b"]),
    ],
)
def test_lines_are_bounded(stdin: bytes, expected: list[bytes | None]) -> None:
    assert list(lines(io.BytesIO(stdin))) == expected
