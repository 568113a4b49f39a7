"""Red Hat's files in memory: when they are asked for again, and what answers meanwhile."""

from __future__ import annotations

from typing import cast

import pytest

from pyrox.errors import Unavailable
from services.scanner_indexer.mapping import Fetched, Lists, RemoteFile
from services.scanner_indexer.redhat import RedHatFiles
from tests.support.pki import FixedClock

FIRST, SECOND = {"rhel-8": ["a"]}, {"rhel-9": ["b"]}


class File:
    """Gives its answers one after the other, and remembers since when it was asked."""

    def __init__(self, *answers: Fetched[Lists] | Unavailable | None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def get(self, since: str) -> Fetched[Lists] | None:
        self.asked.append(since)
        answer = self.answers.pop(0)
        if isinstance(answer, Unavailable):
            raise answer
        return answer


def files(repositories: File, clock: FixedClock) -> RedHatFiles:
    names = File(Fetched({"x": ["y"]}, "Mon"), None, None, None)
    return RedHatFiles(
        repositories=cast("RemoteFile[Lists]", repositories),
        names=cast("RemoteFile[Lists]", names),
        clock=clock,
    )


async def test_file_is_asked_for_again_after_ten_minutes_and_only_if_it_changed() -> None:
    clock, file = FixedClock(), File(Fetched(FIRST, "Mon"), None, Fetched(SECOND, "Tue"))
    both = files(file, clock)
    seen = []
    for pause in (0.0, 599.0, 1.0, 600.0):
        await clock.sleep(pause)
        seen.append((await both.current()).cpes)
    assert (seen, file.asked) == ([FIRST, FIRST, FIRST, SECOND], ["", "Mon", "Mon"])
    assert (await both.current()).names == {"x": ["y"]}


@pytest.mark.parametrize("pause", [30.0])
async def test_file_that_was_fetched_answers_while_the_server_does_not(pause: float) -> None:
    clock, file = FixedClock(), File(Fetched(FIRST, "Mon"), Unavailable("x"), Fetched(SECOND, "Tue"))
    both = files(file, clock)
    assert (await both.current()).cpes == FIRST
    await clock.sleep(600)
    assert (await both.current()).cpes == FIRST
    await clock.sleep(pause)
    assert (await both.current()).cpes == SECOND


async def test_file_that_nobody_gives_is_none_until_somebody_does() -> None:
    clock, file = FixedClock(), File(Unavailable("x"), Fetched(FIRST, ""), Fetched(SECOND, "Mon"))
    both = files(file, clock)
    assert (await both.current()).cpes is None
    await clock.sleep(30)
    # From a seed: the server is asked again as if for the first time.
    assert (await both.current()).cpes == FIRST
    await clock.sleep(30)
    assert ((await both.current()).cpes, file.asked) == (SECOND, ["", "", ""])
