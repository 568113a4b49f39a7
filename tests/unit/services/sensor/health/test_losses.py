"""What was lost, over the lives of several Sensors."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pyrox.metrics import Metrics
from services.sensor.health.losses import Cause, Losses, Queue


def opened(file: Path) -> Losses:
    made = Losses()
    made.open(file)
    return made


def after_the_end_of(file: Path) -> Losses:
    """The next life, on what the kernel keeps of a mapped file at this moment."""
    left = file.with_name(f"{file.name}-left")
    shutil.copy(file, left)
    return opened(left)


def counts(losses: Losses) -> tuple[int, ...]:
    return tuple(losses.count(cause) for cause in Cause)


def test_what_waited_when_the_process_ended_is_lost_in_the_next_life(tmp_path: Path) -> None:
    first = opened(tmp_path / "cache" / "lost")
    first.held(Queue.OUTBOX, 9)
    first.held(Queue.OUTBOX, 5)
    first.held(Queue.UNKNOWN, 2)
    first.held(Queue.DETECTOR, 1)
    first.lost(Cause.OFFLINE, 3)
    second = after_the_end_of(tmp_path / "cache" / "lost")
    assert counts(second) == (6, 0, 3, 2)
    assert [second.holds(queue) for queue in Queue] == [0, 0, 0]


def test_counts_grow_over_the_lives(tmp_path: Path) -> None:
    first = opened(tmp_path / "lost")
    first.held(Queue.OUTBOX, 2)
    second = after_the_end_of(tmp_path / "lost")
    second.held(Queue.DETECTOR, 3)
    third = after_the_end_of(tmp_path / "lost-left")
    assert counts(third) == (5, 0, 0, 0)


def test_what_was_counted_before_the_file_was_opened_is_kept(tmp_path: Path) -> None:
    first = Losses()
    first.held(Queue.OUTBOX, 4)
    first.lost(Cause.FULL)
    first.open(tmp_path / "lost")
    assert (first.holds(Queue.OUTBOX), counts(first)) == (4, (0, 1, 0, 0))
    assert counts(after_the_end_of(tmp_path / "lost")) == (4, 1, 0, 0)


def test_nothing_lost_is_no_error_and_no_news(tmp_path: Path) -> None:
    losses = opened(tmp_path / "lost")
    losses.held(Queue.OUTBOX, 7)
    losses.held(Queue.OUTBOX, 0)
    assert not after_the_end_of(tmp_path / "lost").news.is_set()
    assert losses.errors() == []


def test_losses_are_told_in_one_text_and_to_prometheus() -> None:
    losses, metrics = Losses(), Metrics("sensor")
    losses.expose(metrics)
    losses.lost(Cause.ENDED, 20)
    losses.lost(Cause.FULL)
    losses.lost(Cause.UNKNOWN, 4)
    assert losses.news.is_set()
    assert losses.errors() == [
        (
            "runtime events lost: 20 waited in a Sensor that ended, 1 came when a queue was full, "
            "4 of containers that were not known yet; "
            "see rox_sensor_runtime_events_lost"
        )
    ]
    name = "rox_sensor_runtime_events_lost"
    shown = [metrics.registry.get_sample_value(name, {"cause": one.name.lower()}) for one in Cause]
    assert shown == [20, 1, 0, 4]


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64, b"rxloss1\n" + b"\xff" * 60])
def test_a_file_of_another_form_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lost").write_bytes(content)
    losses = opened(tmp_path / "lost")
    assert counts(losses) == (0, 0, 0, 0)
    losses.lost(Cause.FULL, 2)
    assert counts(after_the_end_of(tmp_path / "lost")) == (0, 2, 0, 0)


def test_a_file_with_absurd_numbers_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "lost").write_bytes(b"rxloss1\n" + b"\xff" * 56)
    losses = opened(tmp_path / "lost")
    losses.lost(Cause.FULL)
    assert counts(losses) == (2**63 - 1,) * 4


def test_a_second_sensor_counts_for_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = opened(tmp_path / "lost"), opened(tmp_path / "lost")
    second.held(Queue.OUTBOX, 3)
    second.lost(Cause.FULL)
    assert (first.holds(Queue.OUTBOX), counts(first), counts(second)) == (0, (0, 0, 0, 0), (0, 1, 0, 0))
    assert "losses are not remembered" in "".join(capsys.readouterr())


def test_a_directory_that_cannot_be_made_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    losses = opened(tmp_path / "file" / "lost")
    losses.lost(Cause.OFFLINE)
    assert counts(losses) == (0, 0, 1, 0)
