"""`kill -9` of every process of the local installation, at rest and under load.

Each comes back, and in the end everything is as it was or as it was acknowledged,
counted. `PYROX_KILLS` says how often each process is killed, `PYROX_ALERT_KILLS` how often
Central, Sensor and the database are while events come in, `PYROX_KILL_SEED` repeats a run;
`-s` shows the figures.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Collection, Iterator
from itertools import chain, groupby
from pathlib import Path

import pytest

from services.local import processes, table
from services.local.board import Entry, State
from services.local.processes import Identity
from tests.support import end_state
from tests.support.end_state import Acknowledged, Baseline
from tests.support.installation import Clients, Json, Site, until_equal
from tests.support.kill_alerts import Events
from tests.support.kill_load import Load

KILLS = int(os.environ.get("PYROX_KILLS", "1"))
# Of each of three processes, while 200 events come in a second.
ALERT_KILLS = int(os.environ.get("PYROX_ALERT_KILLS", "1"))
SEED = int(os.environ.get("PYROX_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
pytestmark = [pytest.mark.needs("postgres"), pytest.mark.timeout(120 + 300 * max(KILLS, ALERT_KILLS))]
# Beside the networks of the other tests that start a whole installation.
NETWORK = f"127.0.{184 + os.getpid() % 16}"
BACK_SECONDS, EQUAL_SECONDS, ALERT_SECONDS = 60, 60, 180
# A supervisor that kept something of each life of a process would hold more than this.
MORE_HANDLES, MORE_BYTES = 8, 12 * 1024 * 1024


def say(*words: object) -> None:
    """A line of the figures."""
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")


class Story:
    """What the tests of this module do one after the other to one installation."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.chance = random.Random(SEED)
        self.acknowledged = Acknowledged()
        self.before: Baseline | None = None
        self.times: defaultdict[str, list[float]] = defaultdict(list)
        self.kills: Counter[str] = Counter()

    def order(self) -> list[str]:
        """Every process as often as asked, in an order of chance."""
        names = [name for name in self.site.entries() for _ in range(KILLS)]
        self.chance.shuffle(names)
        return names

    async def kill(self, name: str, phase: str, *, again: int = 0) -> None:
        """Kill it at a moment of chance, so often again while it starts, and wait until it is back."""
        await asyncio.sleep(self.chance.uniform(0, 1.5))
        before = self.site.entries()[name].identity
        assert before is not None, f"{name} does not run"
        self._end(name, before)
        for _ in range(again):
            before = (await self.back(name, before, starting=True)).identity
            await asyncio.sleep(self.chance.uniform(0, 0.3))
            if before is not None:
                self._end(name, before)
        begun = time.monotonic()
        await self.back(name, before)
        self.times[f"{name} {phase}"].append(time.monotonic() - begun)

    def kill_if_new(self, name: str, before: Identity | None) -> Identity | None:
        """Kill it unless it is the one before or away; the one that was killed last."""
        found = self.site.entries()[name].identity
        if found in {None, before}:
            return before
        self._end(name, found)
        return found

    def _end(self, name: str, process: Identity) -> None:
        os.kill(process.pid, signal.SIGKILL)
        self.kills[name] += 1

    async def back(self, name: str, before: Identity | None, *, starting: bool = False) -> Entry:
        """The entry of the process that took the place of the one before, once it is healthy."""
        begun = time.monotonic()
        while True:
            entry = self.site.entries()[name]
            if (starting or entry.state is State.HEALTHY) and entry.identity not in {None, before}:
                return entry
            assert time.monotonic() - begun < BACK_SECONDS, f"{name}: {entry}"
            await asyncio.sleep(0.02)

    async def end(self, clients: Clients) -> float:
        """Wait for the end state; seconds that it took."""
        before = self.before
        assert before is not None
        return await until_equal(
            lambda: end_state.differences(clients, before, self.acknowledged), seconds=EQUAL_SECONDS
        )

    def supervisor(self) -> Identity:
        """The supervisor."""
        found = Identity.read(self.site.places.pid("supervisor"))
        assert found is not None
        return found

    def held(self) -> tuple[int, int]:
        """Open handles and memory of the supervisor."""
        pid = self.supervisor().pid
        return len(list(Path(f"/proc/{pid}/fd").iterdir())), processes.memory(pid)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    site = Site(tmp_path_factory.mktemp("kill"), NETWORK)
    try:
        done = site.run("up")
        assert done.returncode == 0, done.stdout + done.stderr
        told = Story(site)
        asyncio.run(_settle(told))
        say(f"\nseed {SEED}, {KILLS} kills of each process in each phase")
        yield told
        for name, seconds in sorted(told.times.items()):
            say(f"back after kill -9: {name:28} {' '.join(f'{one:5.1f}' for one in seconds)} s")
    finally:
        site.remove()


async def _settle(story: Story) -> None:
    """Make the twins and wait until nothing new comes."""
    async with Clients(story.site) as clients:
        await Load(clients, story.acknowledged, story.chance).prepare()
        last: tuple[object, ...] = ()
        equal_since = time.monotonic()
        while time.monotonic() - equal_since < 4:
            story.before = await end_state.baseline(clients)
            now = (story.before.alerts, story.before.images)
            forms = {key[2] for key in story.before.alerts if key[2].startswith("twin-")}
            waits = await end_state.unscanned(clients) or await end_state.unfinished(clients)
            if now != last or len(forms) < 3 or waits:
                last, equal_since = now, time.monotonic()
            await asyncio.sleep(0.3)


async def test_each_process_killed_at_rest_comes_back_and_the_state_is_the_same(story: Story) -> None:
    held = story.held()
    async with Clients(story.site) as clients:
        assert await end_state.differences(clients, _of(story), story.acknowledged) == []
        for name in story.order():
            await story.kill(name, "at rest")
        say(
            f"at rest: equal {await story.end(clients):.1f} s after the last", await end_state.counts(clients)
        )
    _assert_not_grown(held, story.held())
    assert {name: entry.restarts for name, entry in story.site.entries().items()} == dict.fromkeys(
        (process.name for process in _rows()), KILLS
    )


async def test_each_process_killed_under_load_loses_nothing_that_was_acknowledged(story: Story) -> None:
    held = story.held()
    async with Clients(story.site) as clients:
        load, kills = Load(clients, story.acknowledged, story.chance), story.kills.copy()
        async with load.running():
            for number, name in enumerate(story.order()):
                # Every third one also twice while it starts.
                await story.kill(name, "under load", again=2 * (number % 3 == 2))
            await asyncio.sleep(2)
        await until_equal(load.remaining, seconds=EQUAL_SECONDS)
        say(f"under load: equal {await story.end(clients):.1f} s after", await end_state.counts(clients))
        say("load:", dict(sorted(load.done.items())))
        gaps, counted = await _gaps(clients, load), await end_state.lost_with_sensor(clients)
        kills = story.kills - kills
        say(f"killed {dict(kills)}; of {sum(map(len, load.sent.values()))} signals lost in a row {gaps},")
        say(f"together {sum(map(sum, gaps.values()))}, {counted} events counted as lost with Sensor")
        # What was in flight when one on the way died is lost in one piece, and nothing else is.
        assert all(len(found) <= kills["sensor"] + kills["central"] for found in gaps.values())
        await _assert_tokens_work(clients, story.acknowledged)
    _assert_not_grown(held, story.held())


async def test_signals_sent_when_all_is_back_arrive_once(story: Story) -> None:
    async with Clients(story.site) as clients:
        load = Load(clients, story.acknowledged, story.chance)
        sent = await load.burst(20)
        await until_equal(lambda: _missing(clients, sent), seconds=90)
        await story.end(clients)
        assert await _missing(clients, sent) == []
        assert await end_state.indicator_differences(clients, story.acknowledged) == []


async def test_signals_that_wait_in_a_sensor_that_dies_are_counted_as_lost(story: Story) -> None:
    async with Clients(story.site) as clients:
        load = Load(clients, story.acknowledged, story.chance)
        before = await end_state.lost_with_sensor(clients)
        sent, waited = await _fill(story, clients, load)
        sensor = story.kill_if_new("sensor", None)
        await story.back("sensor", sensor)
        await story.end(clients)
        counted = await end_state.lost_with_sensor(clients) - before
        await until_equal(lambda: _told(clients, before + counted), seconds=EQUAL_SECONDS)
        missing = await _missing(clients, sent)
        say(
            f"Sensor died with {waited} events: {len(missing)} of {len(sent)} signals lost, {counted} counted"
        )
        assert len(missing) <= waited <= counted
        # A signal waits for Central and for its verdict, and is counted once in each life.
        assert counted <= 3 * waited


async def test_alerts_under_200_events_a_second_count_every_event_once(story: Story) -> None:
    async with Clients(story.site) as clients:
        load = Load(clients, story.acknowledged, story.chance)
        events = Events(clients, load, story.chance)
        await events.prepare()
        order = [name for name in ("central", "sensor", "central-db") for _ in range(ALERT_KILLS)]
        story.chance.shuffle(order)
        lost, kills, begun = await end_state.all_lost(clients), story.kills.copy(), time.monotonic()
        async with events.running():
            for name in order:
                await story.kill(name, "under events")
            await asyncio.sleep(2)
        seconds, kills = time.monotonic() - begun, story.kills - kills
        marks = await events.mark()
        await until_equal(lambda: events.missing(marks), seconds=ALERT_SECONDS)
        say(f"events: equal {await story.end(clients):.1f} s after", await end_state.counts(clients))
        counted, lost = await events.counted(), await end_state.all_lost(clients) - lost
        gaps = {key: _runs(found, counted.keys()) for key, found in events.violating.items()}
        say(
            f"{events.total} events in {seconds:.0f} s, {events.broken} streams broken, killed {dict(kills)};"
        )
        say(f"violating: {sum(counted.values())} in alerts, lost in a row {gaps}, {lost} counted as lost")
        assert set(counted) <= set(chain.from_iterable(events.violating.values()))
        assert {one: number for one, number in counted.items() if number > 1} == {}
        # What was in flight when one on the way died is lost in one piece. What the network had taken
        # and nobody read any more is counted nowhere, so more may be absent than Sensor knows of.
        assert all(len(found) <= kills["sensor"] + kills["central"] for found in gaps.values())
        await events.remove()
        await until_equal(lambda: _texts(events.alerts()), seconds=EQUAL_SECONDS)


async def test_after_the_supervisors_death_under_load_up_brings_everything_back(story: Story) -> None:
    async with Clients(story.site) as clients:
        load = Load(clients, story.acknowledged, story.chance)
        async with load.running():
            supervisor = story.supervisor()
            await asyncio.sleep(story.chance.uniform(0, 1.5))
            os.kill(supervisor.pid, signal.SIGKILL)
            begun = time.monotonic()
            done = await asyncio.to_thread(story.site.run, "up")
            assert done.returncode == 0, done.stdout + done.stderr
            story.times["supervisor, by `up`"].append(time.monotonic() - begun)
        assert story.site.healthy()
        assert story.supervisor() != supervisor
        await until_equal(load.remaining, seconds=EQUAL_SECONDS)
        say(f"after the supervisor's death: equal {await story.end(clients):.1f} s after")


def _runs(sent: list[str], arrived: Collection[str]) -> list[int]:
    """Lengths of the runs of those that did not arrive."""
    return [len(list(run)) for here, run in groupby(sent, arrived.__contains__) if not here]


async def _texts(found: Awaitable[list[Json]]) -> list[str]:
    return [str(one) for one in await found]


def _rows() -> tuple[table.Process, ...]:
    values = dict.fromkeys(
        ("python", "checkout", "state", "secrets", "kubeconfig", "cluster", "simulate", "deployments"), "x"
    )
    return table.load(table.SOURCE, values).processes


def _of(story: Story) -> Baseline:
    assert story.before is not None
    return story.before


def _assert_not_grown(before: tuple[int, int], after: tuple[int, int]) -> None:
    say(f"supervisor: {before[0]} -> {after[0]} handles, {before[1] >> 10} -> {after[1] >> 10} KiB")
    assert after[0] <= before[0] + MORE_HANDLES
    assert after[1] <= before[1] + MORE_BYTES


async def _assert_tokens_work(clients: Clients, acknowledged: Acknowledged) -> None:
    """A token answered for is taken, a revoked one refused."""
    for key, token in acknowledged.tokens.items():
        answer = await clients.central.get(
            "/v1/alertscount", headers={"authorization": f"Bearer {token}"}, auth=None
        )
        assert answer.status_code == (401 if key in acknowledged.tokens_revoked else 200), answer.text


async def _fill(story: Story, clients: Clients, load: Load) -> tuple[set[str], int]:
    """Signals that wait in Sensor while Central is kept away, and how many events wait in all."""
    dead: Identity | None = None
    while True:
        dead = story.kill_if_new("central", dead)
        # Until Sensor has noticed, it sends into the void.
        noticed = await _waiting(clients) > 0
        sent, waited = await load.burst(20), await _waiting(clients)
        if noticed and waited >= len(sent) and story.site.entries()["central"].identity in {None, dead}:
            return sent, waited


async def _waiting(clients: Clients) -> int:
    """Events that wait in Sensor for Central."""
    return int(
        await clients.metric(end_state.SENSOR, "rox_sensor_num_messages_waiting_for_transmission_to_central")
    )


async def _told(clients: Clients, lost: int) -> list[str]:
    found = await end_state.told_as_lost(clients)
    return [] if found == lost else [f"health says that {found} events are lost, Sensor {lost}"]


async def _gaps(clients: Clients, load: Load) -> dict[str, list[int]]:
    """Of each container the lengths of the runs of signals that did not arrive."""
    missing = set(await _missing(clients, set(chain.from_iterable(load.sent.values()))))
    return {container: _runs(sent, set(sent) - missing) for container, sent in load.sent.items()}


async def _missing(clients: Clients, sent: set[str]) -> list[str]:
    arrived = {one["signal"]["id"] for one in await end_state.indicators(clients)}
    return sorted(sent - arrived)
