"""What the simulated cluster remembers over a restart."""

from __future__ import annotations

from pathlib import Path

from pyrox.k8s import kinds
from services.local.simulated.memory import Memory, stamp_of
from services.local.simulated.store import Store, name_of
from tests.support.pki import FixedClock


def memory(path: Path, store: Store, stamp: str = "one") -> Memory:
    return Memory(path=path, store=store, clock=FixedClock(), stamp=stamp)


def test_what_was_written_is_loaded_without_what_controllers_make(tmp_path: Path) -> None:
    path, store = tmp_path / "cluster.json", Store(clock=FixedClock())
    assert memory(path, store).load() is None
    made = store.put(kinds.DEPLOYMENT, {"metadata": {"name": "web", "namespace": "n"}, "spec": {}})
    owner = [{"uid": made["metadata"]["uid"], "kind": "Deployment", "name": "web"}]
    store.put(kinds.POD, {"metadata": {"name": "web-1", "namespace": "n", "ownerReferences": owner}})
    store.put(kinds.POD, {"metadata": {"name": "alone", "namespace": "n"}})
    memory(path, store).write()
    loaded = memory(path, Store(clock=FixedClock())).load()
    assert loaded is not None
    assert {(kind.name, name_of(value)) for kind, value in loaded} == {
        ("Deployment", "web"),
        ("Pod", "alone"),
    }
    assert loaded[0][1]["metadata"]["uid"] == made["metadata"]["uid"]


def test_the_state_of_another_world_and_a_damaged_one_are_not_loaded(tmp_path: Path) -> None:
    path, store = tmp_path / "cluster.json", Store(clock=FixedClock())
    memory(path, store).write()
    assert memory(path, store, stamp="two").load() is None
    path.write_text("{")
    assert memory(path, store).load() is None


def test_the_stamp_follows_the_world() -> None:
    one = [(kinds.NAMESPACE, {"metadata": {"name": "a"}})]
    assert stamp_of(one) == stamp_of(list(one))
    assert stamp_of(one) != stamp_of([(kinds.NAMESPACE, {"metadata": {"name": "b"}})])
