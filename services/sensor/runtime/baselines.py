"""The process baselines that users locked, as Central tells them.

The link's handler fills it, runtime detection asks it. Baselines of like content share
one set, since replicas and copies of a program run the same. It must not know policies.
"""

from __future__ import annotations

from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.process_baseline_pb2 import ProcessBaseline
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator


class Baselines:
    """What each container of each deployment may run; nothing is known of most."""

    def __init__(self) -> None:
        self._expected: dict[str, dict[str, frozenset[str]]] = {}
        self._shared: dict[frozenset[str], tuple[frozenset[str], int]] = {}

    def on_baseline_sync(self, message: MsgToSensor, *, whole: bool) -> None:
        """Take baselines over; `whole` says that there are no others, as at the start of a stream."""
        if whole:
            self._expected.clear()
            self._shared.clear()
        for baseline in message.baseline_sync.baselines:
            self._take(baseline)

    def on_change(self, deployment_id: str, action: ResourceAction.ValueType) -> None:
        """Forget the baselines of a deployment that is gone."""
        if action == ResourceAction.REMOVE_RESOURCE:
            for names in self._expected.pop(deployment_id, {}).values():
                self._release(names)

    def outside(self, indicator: ProcessIndicator) -> bool:
        """Whether a process is not expected; without a locked baseline every one is."""
        containers = self._expected.get(indicator.deployment_id)
        names = containers.get(indicator.container_name) if containers is not None else None
        return names is not None and indicator.signal.exec_file_path not in names

    def __len__(self) -> int:
        """How many baselines there are."""
        return sum(map(len, self._expected.values()))

    @property
    def sets(self) -> int:
        """How many different contents they have."""
        return len(self._shared)

    def _take(self, baseline: ProcessBaseline) -> None:
        key = baseline.key
        containers = self._expected.setdefault(key.deployment_id, {})
        before = containers.pop(key.container_name, None)
        if before is not None:
            self._release(before)
        if baseline.HasField("user_locked_timestamp"):
            containers[key.container_name] = self._share(baseline)
        if not containers:
            del self._expected[key.deployment_id]

    def _share(self, baseline: ProcessBaseline) -> frozenset[str]:
        names = frozenset(one.element.process_name for one in baseline.elements) - {""}
        known, users = self._shared.get(names, (names, 0))
        self._shared[known] = (known, users + 1)
        return known

    def _release(self, names: frozenset[str]) -> None:
        known, users = self._shared[names]
        if users > 1:
            self._shared[names] = (known, users - 1)
        else:
            del self._shared[names]
