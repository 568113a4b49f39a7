"""The policies that Central sent, compiled.

Written by the link's handler, read by both detectors and by the admission settings. It
must not know deployments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyrox import log
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy.evaluate import CompiledPolicy
from pyrox.policy.sets import PolicySet
from pyrox.policy.subject import DeploymentSubject

_LOG = log.get(__name__)


class Policies:
    """The current set; empty until Central sent one."""

    def __init__(self) -> None:
        self.current = PolicySet()
        self.on_spec = PolicySet()
        """Those of them whose verdict does not depend on an image's scan."""
        self.received: tuple[Policy, ...] = ()
        self.changed: tuple[CompiledPolicy, ...] = ()
        """What the last list changed on deployments: policies as they were, and as they are now."""
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Tell the listener of every new list."""
        self._listeners.append(listener)

    def on_policy_sync(self, message: MsgToSensor) -> None:
        """Take over the full list; a policy that does not compile is logged and left out."""
        self.replace(tuple(message.policy_sync.policies))

    def replace(self, policies: Sequence[Policy]) -> None:
        """Use these policies from now on; those that changed are compiled."""
        self.received, before = tuple(policies), self.current
        self.current = PolicySet.of(self.received, before=before)
        # A policy that says the same is the same object in both sets.
        was, now = (set(map(id, one.for_subject(DeploymentSubject))) for one in (before, self.current))
        both = (*before.for_subject(DeploymentSubject), *self.current.for_subject(DeploymentSubject))
        self.changed = tuple(one for one in both if id(one) in was ^ now)
        self.on_spec = self.current.where(lambda one: not one.needs_images)
        for problem in self.current.problems:
            _LOG.warning(
                "policy cannot be used",
                policy_id=problem.policy_id,
                name=problem.policy_name,
                error=problem.message,
            )
        for listener in self._listeners:
            listener()
