from __future__ import annotations

import random

import pytest

from pyrox.errors import Invalid
from pyrox.pb.storage.process_indicator_pb2 import ProcessSignal
from services.collector.events import (
    HEAD_BYTES,
    Ancestor,
    Execution,
    arguments_of,
    collapse,
    decode,
    path_of,
    signal,
    text,
)
from tests.support.fake_probe import CONTAINER, record


def decoded(raw: bytes) -> Execution:
    found = decode(raw, 0)
    assert found is not None
    return found


def test_decode_whole_record_gives_every_field() -> None:
    raw = record(ancestors=[(9, 0, "/usr/sbin/cron"), (8, 5, "/init")])
    assert decode(raw, 1_700_000_000_000_000_000) == Execution(
        container=CONTAINER[:12],
        pid=4711,
        uid=1000,
        gid=1001,
        name="sh",
        path="/bin/sh",
        arguments="-c id",
        ancestors=(Ancestor(0, "/usr/sbin/cron"), Ancestor(5, "/init")),
        nanoseconds=1_700_000_005_000_000_000,
    )


def test_decode_group_of_no_container_gives_nothing() -> None:
    assert decode(record(group="user.slice"), 0) is None
    assert decode(record(group=f"crio-conmon-{CONTAINER}.scope"), 0) is None


def test_decode_group_that_is_only_the_id_gives_the_container() -> None:
    assert decoded(record(group=CONTAINER)).container == CONTAINER[:12]


def test_decode_without_path_takes_the_name_and_the_other_way_round() -> None:
    assert decoded(record(path="")).path == "sh"
    assert decoded(record(comm=b"")).name == "/bin/sh"


LIES = {
    "empty": b"",
    "head cut": record()[: HEAD_BYTES - 1],
    "texts cut": record()[:-1],
    "path longer than the record": record(path_bytes=10_000),
    "path of 4 GiB": record(path_bytes=2**32 - 1),
    "arguments longer than the record": record(args_bytes=5_000),
    "more ancestors than are sent": record(ancestor_count=17),
    "ancestors without end": record(ancestor_count=2**32 - 1),
}


@pytest.mark.parametrize("raw", LIES.values(), ids=LIES)
def test_decode_record_that_contradicts_itself_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid, match="kernel record"):
        decode(raw, 0)


def test_decode_random_bytes_gives_an_execution_or_is_refused() -> None:
    numbers = random.Random(11)
    whole = record(ancestors=[(1, 2, "/bin/init")])
    outcomes = set()
    for attempt in range(2000):
        raw = bytearray(whole)
        for _ in range(numbers.randrange(1, 6)):
            raw[numbers.randrange(len(raw))] = numbers.randrange(256)
        end = len(raw) if attempt % 2 else numbers.randrange(len(raw) + 1)
        try:
            found = decode(bytes(raw[:end]), 0)
        except Invalid:
            outcomes.add("refused")
            continue
        outcomes.add(type(found).__name__)
        if found is not None:
            signal(found, lambda: "id").SerializeToString()
    assert outcomes == {"refused", "Execution", "NoneType"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", ""),
        (b"sh\0", ""),
        (b"sh", ""),
        (b"sh\0a\0b c\0", "a b c"),
        (b"sh\0\0x\0", " x"),
        (b"\0a\0", "a"),
        (b"sh\0cut in the mid", "cut in the mid"),
        (b"sh\0\xff\xfe\0", "??"),
        ("sh\0naïve\0".encode(), "naïve"),
    ],
)
def test_arguments_of_block_leaves_the_first_out(raw: bytes, expected: str) -> None:
    assert arguments_of(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(b"", ""), (b"sh\0", "/sh"), (b"sh\0bin\0usr\0", "/usr/bin/sh"), (b"unended", ""), (b"\xff\0", "/?")],
)
def test_path_of_names_from_the_file_up(raw: bytes, expected: str) -> None:
    assert path_of(raw) == expected


def test_text_of_cut_character_becomes_question_marks() -> None:
    assert text("ab€".encode()[:-1]) == "ab??"


def test_collapse_keeps_the_first_of_equal_neighbours_and_ten_at_most() -> None:
    shells = [
        Ancestor(1, "/bin/sh"),
        Ancestor(2, "/bin/sh"),
        Ancestor(3, "/bin/init"),
        Ancestor(4, "/bin/sh"),
    ]
    assert [ancestor.uid for ancestor in collapse(shells)] == [1, 3, 4]
    many = [Ancestor(number, f"/bin/{number}") for number in range(16)]
    assert [ancestor.uid for ancestor in collapse(many)] == list(range(10))


def test_collapse_ancestor_without_a_program_is_left_out() -> None:
    assert collapse([Ancestor(0, ""), Ancestor(1, "/a"), Ancestor(0, ""), Ancestor(2, "/a")]) == (
        Ancestor(1, "/a"),
    )


def test_signal_carries_every_field() -> None:
    made = signal(decoded(record(ancestors=[(9, 7, "/init")])), lambda: "an-id")
    expected = ProcessSignal(
        id="an-id",
        container_id=CONTAINER[:12],
        name="sh",
        args="-c id",
        exec_file_path="/bin/sh",
        pid=4711,
        uid=1000,
        gid=1001,
        lineage_info=[ProcessSignal.LineageInfo(parent_uid=7, parent_exec_file_path="/init")],
    )
    expected.time.seconds = 5
    assert made == expected


def test_signal_without_arguments_leaves_them_out() -> None:
    assert signal(decoded(record()), lambda: "x", arguments=False).args == ""
