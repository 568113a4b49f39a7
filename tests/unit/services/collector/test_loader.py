from __future__ import annotations

import errno

import pytest

from services.collector import loader
from services.collector.loader import ProbeUnavailable


def test_library_that_is_missing_says_what_to_install() -> None:
    with pytest.raises(
        ProbeUnavailable, match=r"libbpf-none\.so\.9 cannot be used .*install Debian's libbpf1"
    ):
        loader._library("libbpf-none.so.9")


def test_library_that_is_another_one_is_refused() -> None:
    with pytest.raises(ProbeUnavailable, match=r"libc\.so\.6 cannot be used"):
        loader._library("libc.so.6")


@pytest.mark.parametrize(
    ("code", "advised"), [(errno.EPERM, True), (errno.EACCES, True), (errno.EINVAL, False)]
)
def test_advice_names_the_rights_only_when_they_are_missing(code: int, advised: bool) -> None:
    assert ("CAP_BPF" in loader._advice(code)) is advised


def test_boot_nanoseconds_is_a_moment_between_1970_and_now() -> None:
    assert 0 < loader.boot_nanoseconds() < 1 << 62


def test_object_is_an_elf_file_for_bpf_in_little_endian() -> None:
    head = loader.OBJECT.read_bytes()[:20]
    assert head[:6] == b"\x7fELF\x02\x01"
    # The machine's number of BPF, as in elf(5).
    assert int.from_bytes(head[18:20], "little") == 247
