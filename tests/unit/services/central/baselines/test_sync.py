"""Baselines on their way to Sensors."""

from __future__ import annotations

from collections.abc import Sequence

from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.process_baseline_pb2 import ProcessBaseline
from services.central.baselines.sync import MESSAGE_BYTES, BaselineSync, messages


def baseline(name: str, cluster: str = "c", size: int = 0) -> ProcessBaseline:
    made = ProcessBaseline(id=name)
    made.key.cluster_id = cluster
    if size:
        made.elements.add().element.process_name = "x" * size
    return made


class Source:
    """Baselines without a database."""

    def __init__(self, *stored: ProcessBaseline) -> None:
        self._stored = stored

    async def user_locked(self, cluster_id: str) -> list[ProcessBaseline]:
        return [one for one in self._stored if one.key.cluster_id == cluster_id]

    async def by_ids(self, ids: Sequence[str]) -> list[ProcessBaseline]:
        return [one for one in self._stored if one.id in ids]


def ids(message: MsgToSensor) -> list[str]:
    return [one.id for one in message.baseline_sync.baselines]


def test_messages_stay_below_their_size() -> None:
    half = MESSAGE_BYTES // 2
    made = list(messages([baseline("a", size=half), baseline("b", size=half), baseline("c")]))
    assert [ids(one) for one in made] == [["a"], ["b", "c"]]
    huge = list(messages([baseline("a", size=2 * MESSAGE_BYTES), baseline("b")]))
    assert [ids(one) for one in huge] == [["a"], ["b"]]
    assert list(messages([])) == []


async def test_stream_begins_with_a_message_even_when_there_is_nothing_to_tell() -> None:
    (message,) = await BaselineSync(source=Source(baseline("a", "other"))).all_of("c")
    assert message.WhichOneof("msg") == "baseline_sync"
    assert ids(message) == []


async def test_changes_go_to_the_sensors_of_their_clusters() -> None:
    source = Source(baseline("a", "one"), baseline("b", "two"), baseline("c", "one"), baseline("d", "one"))
    told: list[tuple[str, list[str]]] = []
    await BaselineSync(source=source).changed(
        ["a", "b", "c", "gone"], lambda cluster, message: told.append((cluster, ids(message)))
    )
    assert told == [("one", ["a", "c"]), ("two", ["b"])]
