"""What is new and what has ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.collector.network.changes import Changes

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECONDS = timedelta(seconds=1)


def test_new_is_told_once_and_the_end_with_the_time_of_the_last_look() -> None:
    changes: Changes[str] = Changes(afterglow=timedelta())
    assert changes.update(["a", "b"], NOW) == (["a", "b"], {})
    assert changes.update(["a", "b"], NOW + SECONDS) == ([], {})
    assert changes.update(["a"], NOW + 2 * SECONDS) == ([], {"b": NOW + SECONDS})
    assert changes.update(["a", "b"], NOW + 3 * SECONDS) == (["b"], {})


def test_what_is_gone_glows_for_a_while_and_comes_back_untold() -> None:
    changes: Changes[str] = Changes(afterglow=10 * SECONDS)
    changes.update(["a"], NOW)
    assert changes.update([], NOW + 9 * SECONDS) == ([], {})
    assert changes.update(["a"], NOW + 9 * SECONDS) == ([], {})
    assert changes.update([], NOW + 18 * SECONDS) == ([], {})
    assert changes.update([], NOW + 19 * SECONDS) == ([], {"a": NOW + 9 * SECONDS})
    assert changes.update([], NOW + 20 * SECONDS) == ([], {})


def test_nothing_ends_at_the_look_that_sees_it() -> None:
    changes: Changes[str] = Changes(afterglow=timedelta())
    assert changes.update(["a"], NOW) == (["a"], {})
    assert changes.update(["a"], NOW) == ([], {})
