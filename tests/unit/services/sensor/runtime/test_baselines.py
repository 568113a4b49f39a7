"""What Sensor knows of baselines that users locked."""

from __future__ import annotations

from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from services.sensor.runtime.baselines import Baselines


def sync(*places: str, names: tuple[str, ...] = ("/bin/a",), locked: bool = True) -> MsgToSensor:
    """Baselines of `deployment/container` places."""
    message = MsgToSensor()
    for place in places:
        made = message.baseline_sync.baselines.add()
        made.key.deployment_id, _, made.key.container_name = place.partition("/")
        for name in names:
            made.elements.add().element.process_name = name
        if locked:
            made.user_locked_timestamp.seconds = 1
    return message


def ran(place: str, path: str) -> ProcessIndicator:
    deployment, _, container = place.partition("/")
    made = ProcessIndicator(deployment_id=deployment, container_name=container)
    made.signal.exec_file_path = path
    return made


def test_process_is_outside_only_of_a_locked_baseline() -> None:
    known = Baselines()
    assert not known.outside(ran("d/app", "/bin/b"))
    known.on_baseline_sync(sync("d/app"), whole=True)
    assert known.outside(ran("d/app", "/bin/b"))
    assert not known.outside(ran("d/app", "/bin/a"))
    assert not known.outside(ran("d/side", "/bin/b"))
    assert not known.outside(ran("other/app", "/bin/b"))


def test_baseline_without_lock_takes_the_known_one_away() -> None:
    known = Baselines()
    known.on_baseline_sync(sync("d/app", "d/side"), whole=True)
    known.on_baseline_sync(sync("d/app", "never/seen", locked=False), whole=False)
    assert not known.outside(ran("d/app", "/bin/b"))
    assert known.outside(ran("d/side", "/bin/b"))
    assert (len(known), known.sets) == (1, 1)


def test_baseline_is_replaced_by_a_newer_one() -> None:
    known = Baselines()
    known.on_baseline_sync(sync("d/app"), whole=True)
    known.on_baseline_sync(sync("d/app", names=("/bin/b", "")), whole=False)
    assert not known.outside(ran("d/app", "/bin/b"))
    assert known.outside(ran("d/app", "/bin/a"))
    assert known.outside(ran("d/app", ""))
    assert (len(known), known.sets) == (1, 1)


def test_greeting_replaces_everything() -> None:
    known = Baselines()
    known.on_baseline_sync(sync("d/app"), whole=True)
    known.on_baseline_sync(sync("e/app"), whole=True)
    assert not known.outside(ran("d/app", "/bin/b"))
    assert known.outside(ran("e/app", "/bin/b"))


def test_baselines_go_with_their_deployment_and_share_what_is_alike() -> None:
    known = Baselines()
    known.on_baseline_sync(sync("d/app", "d/side", "e/app"), whole=True)
    assert (len(known), known.sets) == (3, 1)
    known.on_change("d", ResourceAction.UPDATE_RESOURCE)
    assert known.outside(ran("d/app", "/bin/b"))
    known.on_change("d", ResourceAction.REMOVE_RESOURCE)
    known.on_change("d", ResourceAction.REMOVE_RESOURCE)
    assert not known.outside(ran("d/app", "/bin/b"))
    assert (len(known), known.sets) == (1, 1)
    known.on_change("e", ResourceAction.REMOVE_RESOURCE)
    assert (len(known), known.sets) == (0, 0)
