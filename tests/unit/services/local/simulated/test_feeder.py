"""Made-up processes fit the pods that they are said to run in."""

from __future__ import annotations

from pathlib import Path

from pyrox.k8s import kinds
from services.local.simulated import images
from services.local.simulated.controllers import Controllers
from services.local.simulated.feeder import INCIDENTS, Feeder
from services.local.simulated.store import Store
from services.local.simulated.world import World
from tests.support.pki import FixedClock


def simulated() -> tuple[Store, Feeder]:
    clock = FixedClock()
    store = Store(clock=clock)
    controllers = Controllers(store=store, digest_of=images.build().digest_of)
    for kind, value in World(registry="127.0.10.5:5000").objects():
        controllers.settle(kind, store.put(kind, value))
    return store, Feeder(store=store, sensor="127.0.0.1:1", certs=Path("/nowhere"), clock=clock)


async def test_signals_name_containers_of_the_cluster_by_their_first_digits() -> None:
    store, feeder = simulated()
    known = {
        status["containerID"].rpartition("/")[2][:12]
        for pod in store.list(kinds.POD)
        for status in pod["status"]["containerStatuses"]
    }
    messages = feeder._messages()
    seen = [await anext(messages) for _ in range(100)]
    signals = [message.signal.process_signal for message in seen]
    assert {signal.container_id for signal in signals} <= known
    assert all(signal.exec_file_path.endswith(signal.name) and signal.pid for signal in signals)
    assert len({signal.id for signal in signals}) == len(signals)


async def test_every_incident_happens_in_some_pod_and_comes_again() -> None:
    _, feeder = simulated()
    messages = feeder._messages()
    wanted = {program.path for incident in INCIDENTS for program in incident.programs}
    paths = [(await anext(messages)).signal.process_signal.exec_file_path for _ in range(300)]
    assert wanted <= set(paths)
    assert paths.count("/tmp/xmrig") >= 2
