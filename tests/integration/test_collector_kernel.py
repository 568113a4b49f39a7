"""Collector on the real kernel: processes of a runc container reach a Sensor over mutual TLS."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from services.collector import events, loader
from services.collector.app import App
from tests.support.collector import config, process, running_collector
from tests.support.fake_sensor import SignalSink
from tests.support.pki import CLUSTER_ID, Pki
from tests.support.runc import Container, group, running_container, unified_groups
from tests.support.waiting import until

pytestmark = [
    pytest.mark.needs("ebpf", "runc"),
    pytest.mark.usefixtures("kernel_to_itself"),
    pytest.mark.timeout(300),
]

MANY = 2000
LOOP = f"i=0; while [ $i -lt {MANY} ]; do /bin/true $i; i=$((i+1)); done"


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    directory = tmp_path / "bundle"
    directory.mkdir()
    with running_container(directory) as running:
        yield running


async def in_container(container: Container, *words: str, user: str = "0:0") -> str:
    return await asyncio.to_thread(container.run, *words, user=user)


async def get(app: App, path: str) -> httpx.Response:
    host, port = app.status.addresses[0]
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://{host}:{port}{path}")


async def test_processes_of_a_container_reach_sensor_and_those_of_the_host_do_not(
    pki: Pki, container: Container
) -> None:
    script = "/bin/sh -c '/bin/ls / >/dev/null; /bin/true a \"b c\"; true'; true"
    async with SignalSink(pki).running() as sensor, running_collector(config(pki, sensor.port)) as app:
        await until(lambda: app.stats.connected)
        await until(lambda: sensor.of(container.short, scraped=True))
        await asyncio.to_thread(subprocess.run, ["/bin/true", "on-the-host"], check=True)
        await in_container(container, "/bin/sh", "-c", script, user="1000:1001")
        await until(lambda: len(sensor.of(container.short)) >= 4)

        # What runc itself does inside the container's groups is not ours.
        told = [s for s in sensor.of(container.short) if not s.name.startswith("runc")]
        ready = await get(app, "/ready")

    assert [(s.name, s.exec_file_path, s.args) for s in told] == [
        ("sh", "/bin/sh", f"-c {script}"),
        ("sh", "/bin/sh", '-c /bin/ls / >/dev/null; /bin/true a "b c"; true'),
        ("ls", "/bin/ls", "/"),
        ("true", "/bin/true", "a b c"),
    ]
    assert {(s.uid, s.gid) for s in told} == {(1000, 1001)}
    # The first was started by runc, from outside; two equal programs above count once.
    assert [[(p.parent_uid, p.parent_exec_file_path) for p in s.lineage_info] for s in told] == [
        [],
        [(1000, "/bin/sh")],
        [(1000, "/bin/sh")],
        [(1000, "/bin/sh")],
    ]
    assert len({s.id for s in told}) == 4
    assert all(s.pid for s in told)
    assert not [s for s in sensor.signals if "on-the-host" in s.args]
    assert {len(s.container_id) for s in sensor.signals} == {12}
    assert sensor.callers == [f"COLLECTOR_SERVICE: {CLUSTER_ID}"]
    assert ready.status_code == 200
    status = ready.json()
    assert status["status"] == "ok"
    assert status["collector"]["filtered_events"] >= 1
    assert status["collector"]["drops"] == 0


async def test_process_that_runs_already_is_told_as_scraped(pki: Pki, container: Container) -> None:
    async with SignalSink(pki).running() as sensor, running_collector(config(pki, sensor.port)):
        await until(lambda: sensor.of(container.short, scraped=True))
        (told,) = sensor.of(container.short, scraped=True)
    assert (told.name, told.exec_file_path, told.args) == ("sleep", "/bin/sleep", "1000")
    assert told.time.ToDatetime() is not None
    assert not told.lineage_info


async def test_stream_resumes_after_sensor_was_away(pki: Pki, container: Container) -> None:
    sensor = SignalSink(pki)
    async with AsyncExitStack() as stack:
        async with sensor.running():
            app = await stack.enter_async_context(running_collector(config(pki, sensor.port)))
            await until(lambda: app.stats.connected)
            await in_container(container, "/bin/true", "before")
            await until(lambda: any(s.args == "before" for s in sensor.signals))
        await until(lambda: not app.stats.connected)
        await in_container(container, "/bin/true", "meanwhile")
        await in_container(container, "/bin/sh", "-c", "/bin/sleep 999 >/dev/null 2>&1 &")
        async with sensor.running():
            await until(lambda: sensor.streams == 2)
            await in_container(container, "/bin/true", "after")
            await until(lambda: any(s.args == "after" for s in sensor.signals))
    assert [s.args for s in sensor.of(container.short) if s.name == "true"] == [
        "before",
        "meanwhile",
        "after",
    ]
    # Each stream begins with what runs: Sensor may have forgotten it. What started meanwhile comes once.
    assert [s.args for s in sensor.of(container.short, scraped=True)] == ["1000", "1000"]
    assert [s.scraped for s in sensor.signals if s.args == "999"] == [False]


async def test_many_short_processes_are_all_accounted_for(pki: Pki, container: Container) -> None:
    async with SignalSink(pki).running() as sensor, running_collector(config(pki, sensor.port)) as app:
        await until(lambda: app.stats.connected)
        await in_container(container, "/bin/sh", "-c", LOOP)

        def received() -> list[str]:
            return [s.args for s in sensor.of(container.short) if s.name == "true"]

        def dropped() -> int:
            app.watch.refresh()
            stats = app.stats
            return stats.kernel.lost + stats.send_failures + stats.rate_limited + stats.malformed

        await until(lambda: len(received()) + dropped() >= MANY)
        await asyncio.sleep(0.2)
        counts = Counter(received())
        assert len(received()) + dropped() == MANY
    assert max(counts.values()) == 1
    assert set(counts) <= {str(number) for number in range(MANY)}


async def test_sensor_away_longer_than_the_queue_lasts_drops_are_counted(
    pki: Pki, container: Container
) -> None:
    sensor = SignalSink(pki)
    async with sensor.running():
        pass
    async with running_collector(config(pki, sensor.port, queue=500)) as app:
        await in_container(container, "/bin/sh", "-c", LOOP)
        await until(lambda: app.stats.received >= MANY)
        assert not app.stats.connected
        async with sensor.running():
            await until(lambda: app.stats.sent >= 500)
            await until(lambda: app.stats.sent + app.stats.send_failures == app.stats.received)
            lost = app.stats.send_failures
    assert len(sensor.of(container.short)) <= 500
    # The shell that ran the loop is one process more; other containers of the machine start some too.
    assert len(sensor.of(container.short)) + lost >= MANY + 1


async def test_ring_buffer_that_nobody_reads_counts_what_it_lost(container: Container) -> None:
    probe = loader.open_probe(64 << 10)
    try:
        await in_container(container, "/bin/sh", "-c", LOOP)
        counters = probe.counters()
        records = probe.read(MANY * 2)
        decoded = [events.decode(record, loader.boot_nanoseconds()) for record in records]
    finally:
        probe.close()
    ours = [execution for execution in decoded if execution and execution.container == container.short]
    assert counters.lost > 0
    assert counters.sent == len(records)
    # Other containers of the machine may start processes meanwhile.
    assert len(ours) + counters.lost >= MANY + 1


async def test_arguments_of_any_size_and_bytes_arrive_cut(container: Container) -> None:
    probe = loader.open_probe(1 << 20)
    try:
        await in_container(container, "/bin/true", "x" * 50_000)
        await in_container(container, "/bin/sh", "-c", "/bin/true \"$(printf '\\377\\376')\"")
        await in_container(container, "/bin/env", "-i", "/bin/true", "")
        decoded = [events.decode(record, 0) for record in probe.read(100)]
    finally:
        probe.close()
    arguments = [e.arguments for e in decoded if e is not None and e.name == "true"]
    assert [len(text) for text in arguments[:1]] == [4095 - len("/bin/true\0")]
    assert arguments[1:] == ["??", ""]


@pytest.mark.needs("cgroup2")
@pytest.mark.parametrize(
    "below", [(), ("init.scope",), ("a", "b", "c", "d")], ids=["own", "one below", "four below"]
)
async def test_group_of_version_2_is_known(below: tuple[str, ...]) -> None:
    identifier = secrets.token_hex(32)
    tree = unified_groups()
    assert tree is not None
    probe = loader.open_probe(1 << 20)
    try:
        with group(
            tree, f"pyrox-test-{identifier[:8]}", f"cri-containerd-{identifier}.scope", *below
        ) as inner:
            # The shell itself starts outside, steps in, and becomes the program that is seen.
            script = f"echo $$ > {inner}/cgroup.procs; exec /bin/true stepped-in"
            await asyncio.to_thread(subprocess.run, ["/bin/sh", "-c", script], check=True, timeout=30)
        decoded = [events.decode(record, 0) for record in probe.read(100)]
    finally:
        probe.close()
    ours = [e for e in decoded if e is not None and e.container == identifier[:12]]
    assert [(e.name, e.arguments) for e in ours] == [("true", "stepped-in")]


async def paths(container: Container, script: str) -> list[tuple[str, str]]:
    """Path and path of the parent of each `true` that the script starts."""
    probe = loader.open_probe(1 << 20)
    try:
        await in_container(container, "/bin/sh", "-c", f"{script}; true")
        decoded = [events.decode(record, 0) for record in probe.read(1000)]
    finally:
        probe.close()
    ours = [e for e in decoded if e is not None and e.container == container.short and e.name == "true"]
    return [(e.path, e.ancestors[0].path if e.ancestors else "") for e in ours]


async def test_path_on_a_mount_inside_the_container_is_whole(container: Container) -> None:
    assert await paths(container, "mkdir -p /dev/a/b; cp /bin/true /dev/a/b/true; /dev/a/b/true") == [
        ("/dev/a/b/true", "/bin/sh")
    ]


async def test_path_is_not_shortened_by_chroot(container: Container) -> None:
    script = "mkdir /jail; cp -r /bin /lib /lib64 /jail/; chroot /jail /bin/sh -c '/bin/true; true'"
    assert await paths(container, script) == [("/jail/bin/true", "/jail/bin/sh")]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [(29, "/" + "d/" * 29 + "true"), (200, "/.../" + "d/" * 31 + "true")],
    ids=["followed", "cut"],
)
async def test_path_deeper_than_the_kernel_follows_is_marked(
    container: Container, depth: int, expected: str
) -> None:
    deep = "/".join(["d"] * depth)
    ((path, _),) = await paths(container, f"mkdir -p /{deep}; cp /bin/true /{deep}/true; /{deep}/true")
    assert path == expected


async def test_record_is_read_in_batches_of_the_asked_size(container: Container) -> None:
    probe = loader.open_probe(1 << 20)
    try:
        await in_container(
            container, "/bin/sh", "-c", "/bin/true 1; /bin/true 2; /bin/true 3; /bin/true 4; true"
        )
        batches = [len(probe.read(2)) for _ in range(4)]
        total = probe.counters().sent
    finally:
        probe.close()
    assert batches[0] == 2
    assert all(size <= 2 for size in batches)
    assert sum(batches) == min(total, 8)


@pytest.mark.parametrize(
    "group", ["crio-{id}.scope", "docker-{id}.scope", "{id}", "cri-containerd-{id}.scope"]
)
async def test_container_is_known_by_every_runtime_s_name(tmp_path: Path, group: str) -> None:
    directory = tmp_path / "bundle"
    directory.mkdir()
    probe = loader.open_probe(1 << 20)
    try:
        with running_container(directory, group=group) as container:
            await in_container(container, "/bin/true", group)
        decoded = [events.decode(record, 0) for record in probe.read(100)]
    finally:
        probe.close()
    assert [e.container for e in decoded if e and e.arguments == group] == [container.short]


def test_without_rights_the_reason_names_the_capabilities() -> None:
    code = (
        "from services.collector import loader\n"
        "try:\n    loader.open_probe(1 << 20)\n"
        "except loader.ProbeUnavailable as err:\n    print(err.message)\n"
    )
    done = subprocess.run(
        ["setpriv", "--bounding-set", "-all", sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(loader.__file__).parents[2],
        timeout=60,
    )
    assert done.stdout.startswith("loading the program: Operation not permitted (run as root or with CAP_BPF")


def test_object_that_is_none_is_refused_and_leaves_nothing_open(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.o"
    damaged.write_bytes(loader.OBJECT.read_bytes()[:4000])
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(loader.ProbeUnavailable, match="reading the object file"):
        loader.KernelProbe(loader._library(), damaged, 1 << 20)
    with pytest.raises(loader.ProbeUnavailable, match="No such file"):
        loader.KernelProbe(loader._library(), tmp_path / "gone", 1 << 20)
    loader.open_probe(1 << 20).close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_collector_that_is_killed_starts_anew_and_loses_only_what_it_held(
    pki: Pki, container: Container, tmp_path: Path
) -> None:
    async with SignalSink(pki).running() as sensor:
        for number, word in enumerate(("first", "second"), start=1):
            running = process(pki, sensor.port, log=tmp_path / "collector.log")
            running.start()
            try:
                await told(sensor, container, scraped=number)
                await in_container(container, "/bin/true", word)
                await told(sensor, container, live=number)
            finally:
                running.kill()
    assert [s.args for s in sensor.of(container.short) if s.name == "true"] == ["first", "second"]


async def told(sensor: SignalSink, container: Container, *, scraped: int = 0, live: int = 0) -> None:
    """Return when Sensor was told of that many processes of the container."""
    await until(lambda: len(sensor.of(container.short, scraped=True)) >= scraped)
    await until(lambda: len([s for s in sensor.of(container.short) if s.name == "true"]) >= live)
