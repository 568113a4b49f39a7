"""Versions, history and watchers of the simulated cluster's objects."""

from __future__ import annotations

import pytest

from pyrox.k8s import kinds
from services.local.simulated import store as module
from services.local.simulated.store import Json, Store
from tests.support.pki import FixedClock


def thing(name: str, **more: object) -> Json:
    return {"metadata": {"name": name, "namespace": "n"}, **more}


def fresh() -> Store:
    return Store(clock=FixedClock())


def test_every_write_has_a_greater_version_and_the_id_stays() -> None:
    store = fresh()
    first = store.put(kinds.SECRET, thing("a", data={"x": "1"}))
    second = store.put(kinds.SECRET, thing("a", data={"x": "2"}))
    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert (first["kind"], first["apiVersion"]) == ("Secret", "v1")


def test_ids_are_the_same_after_a_restart_and_differ_between_objects() -> None:
    one, two = fresh().put(kinds.SECRET, thing("a")), fresh().put(kinds.SECRET, thing("a"))
    assert one["metadata"]["uid"] == two["metadata"]["uid"]
    assert fresh().put(kinds.SECRET, thing("b"))["metadata"]["uid"] != one["metadata"]["uid"]


def test_the_generation_counts_changes_of_the_spec_only() -> None:
    store = fresh()
    store.put(kinds.DEPLOYMENT, thing("a", spec={"replicas": 1}))
    store.put(kinds.DEPLOYMENT, thing("a", spec={"replicas": 1}, status={"replicas": 1}))
    assert store.put(kinds.DEPLOYMENT, thing("a", spec={"replicas": 2}))["metadata"]["generation"] == 2


def test_what_was_handed_out_does_not_change() -> None:
    store = fresh()
    given = thing("a", spec={"replicas": 1})
    first = store.put(kinds.DEPLOYMENT, given)
    given["spec"]["replicas"] = 5
    store.put(kinds.DEPLOYMENT, thing("a", spec={"replicas": 2}))
    assert first["spec"]["replicas"] == 1


def test_a_watcher_gets_what_happened_since_its_version_and_what_comes() -> None:
    store = fresh()
    store.put(kinds.SECRET, thing("a"))
    since = store.version
    store.put(kinds.SECRET, thing("b"))
    watcher = store.watch(kinds.SECRET, "", since)
    assert watcher is not None
    store.delete(kinds.SECRET, "n", "a")
    store.put(kinds.SERVICE, thing("other"))
    seen = []
    while not watcher.events.empty():
        event = watcher.events.get_nowait()
        assert event is not None
        seen.append((event.type, event.object["metadata"]["name"]))
    assert seen == [("ADDED", "b"), ("DELETED", "a")]


def test_a_watcher_of_a_namespace_sees_no_other() -> None:
    store = fresh()
    watcher = store.watch(kinds.SECRET, "other", store.version)
    assert watcher is not None
    store.put(kinds.SECRET, thing("a"))
    assert watcher.events.empty()


def test_a_version_from_before_the_history_cannot_be_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HISTORY", 3)
    store = fresh()
    since = store.version
    for number in range(5):
        store.put(kinds.SECRET, thing(f"a{number}"))
    assert store.watch(kinds.SECRET, "", since - 1) is None
    assert store.watch(kinds.SECRET, "", store.version) is not None


def test_a_watcher_that_is_too_slow_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WATCHER_LIMIT", 2)
    store = fresh()
    watcher = store.watch(kinds.SECRET, "", store.version)
    assert watcher is not None
    for number in range(3):
        store.put(kinds.SECRET, thing(f"a{number}"))
    assert watcher.events.get_nowait() is None


def test_versions_go_on_growing_after_a_restart() -> None:
    clock = FixedClock()
    before = Store(clock=clock).put(kinds.SECRET, thing("a"))["metadata"]["resourceVersion"]
    clock.moment = clock.moment.replace(minute=clock.moment.minute + 1)
    assert Store(clock=clock).version > int(before)
