"""When baselines are locked, and what edits do to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pyrox.errors import Invalid
from pyrox.pb.storage.process_baseline_pb2 import ProcessBaseline, ProcessBaselineKey
from services.central.baselines import rules
from services.central.baselines.rules import Status

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
KEY = ProcessBaselineKey(deployment_id="d", container_name="app", cluster_id="c", namespace="shop")


def baseline(*names: str, learns_until: datetime = NOW + HOUR) -> ProcessBaseline:
    return rules.made(KEY, names, NOW, learns_until)


def elements(found: ProcessBaseline) -> dict[str, bool]:
    """The executables, and whether each was learned."""
    return {one.element.process_name: one.auto for one in found.elements}


def buried(found: ProcessBaseline) -> dict[str, bool]:
    return {one.element.process_name: one.auto for one in found.element_graveyard}


def test_id_names_the_place() -> None:
    assert rules.id_of(KEY) == "DC:c:shop:d:app"


@pytest.mark.parametrize("missing", ["deployment_id", "container_name", "cluster_id", "namespace"])
def test_key_without_a_part_is_refused(missing: str) -> None:
    key = ProcessBaselineKey()
    key.CopyFrom(KEY)
    setattr(key, missing, "")
    assert not rules.usable(key)
    with pytest.raises(Invalid, match=r"^invalid key .*: doesn't match any of our known patterns$"):
        rules.id_of(key)


def test_key_that_is_too_long_is_refused_and_cut_in_the_message() -> None:
    with pytest.raises(Invalid) as error:
        rules.id_of(ProcessBaselineKey(deployment_id="x" * 5000, container_name="a", cluster_id="c"))
    assert len(error.value.message) < 1300


def test_new_baseline_learns_until_its_time_is_over() -> None:
    made = baseline("/bin/b", "/bin/a", "/bin/b")
    assert elements(made) == {"/bin/a": True, "/bin/b": True}
    assert not rules.locked(made, NOW)
    assert rules.locked(made, NOW + HOUR)
    assert not rules.user_locked(made, NOW + HOUR)
    assert rules.status(made, NOW) == Status.UNLOCKED
    assert rules.status(made, NOW + HOUR) == Status.LOCKED
    assert rules.status(None, NOW) == Status.NOT_GENERATED


def test_lock_in_the_future_is_none_yet() -> None:
    made = baseline()
    made.user_locked_timestamp.FromDatetime(NOW + SECOND)
    assert not rules.locked(made, NOW)
    assert rules.user_locked(made, NOW + SECOND)


def test_what_a_user_adds_stays_the_users() -> None:
    made = baseline("/bin/a")
    assert rules.edit(made, ["/bin/a", "/bin/b"], [], auto=False)
    assert elements(made) == {"/bin/a": False, "/bin/b": False}
    assert not rules.edit(made, ["/bin/a"], [], auto=True)
    assert elements(made) == {"/bin/a": False, "/bin/b": False}


def test_what_was_removed_is_not_learned_again() -> None:
    made = baseline("/bin/a")
    assert rules.edit(made, [], ["/bin/a", "/bin/never"], auto=False)
    assert (elements(made), buried(made)) == ({}, {"/bin/a": False, "/bin/never": False})
    assert not rules.edit(made, ["/bin/a"], [], auto=True)
    assert rules.edit(made, ["/bin/a"], [], auto=False)
    assert (elements(made), buried(made)) == ({"/bin/a": False}, {"/bin/never": False})


def test_added_and_removed_at_once_is_removed() -> None:
    made = baseline()
    rules.edit(made, ["/bin/a"], ["/bin/a"], auto=False)
    assert (elements(made), buried(made)) == ({}, {"/bin/a": False})


@pytest.mark.parametrize(
    ("ran", "started", "startup"),
    [
        (NOW + timedelta(seconds=59), NOW, True),
        (NOW + timedelta(seconds=60), NOW, False),
        (NOW - SECOND, NOW, True),
        (NOW, None, False),
        (None, NOW, True),
        (None, None, False),
    ],
)
def test_first_minute_of_a_container_is_its_start(
    ran: datetime | None, started: datetime | None, *, startup: bool
) -> None:
    assert rules.is_startup(ran, started) == startup


def test_names_of_a_request_are_bounded() -> None:
    assert rules.checked_names(["/bin/a", "", "/bin/b"]) == ["/bin/a", "/bin/b"]
    with pytest.raises(Invalid, match="longer than 16384 characters"):
        rules.checked_names(["x" * 16385])
    with pytest.raises(Invalid, match=r"^5001 process names; at most 5000"):
        rules.checked_names(["x"] * 5001)
