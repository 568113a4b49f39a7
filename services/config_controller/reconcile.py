"""One resource made true: its policy in Central as it says, or gone with it.

The controller calls it for each resource that is due. The steps, their order and the texts
in the status are upstream's (config-controller/internal/controller/policy_controller.go).
Where it is killed between two steps, the next run finds out what was done.
"""

from __future__ import annotations

from enum import Enum

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Invalid, RoxError
from pyrox.k8s.client import Json
from pyrox.pb.storage.policy_pb2 import DECLARATIVE, Policy
from pyrox.policy.resource import name_of, policy_of
from services.config_controller import status as words
from services.config_controller.central import Central
from services.config_controller.compare import Memory
from services.config_controller.resources import FINALIZER, Resources, finalizers
from services.config_controller.status import ACCEPTED, FRESH, VALIDATED, Status
from services.config_controller.view import Claim, View

_LOG = log.get(__name__)


class Outcome(Enum):
    """When to look at a resource again."""

    SETTLED = "settled"
    """After the interval: Central may have been changed meanwhile."""
    PARKED = "parked"
    """Only when it changes."""


class Reconciler:
    """Makes Central's policies follow resources."""

    def __init__(self, *, central: Central, resources: Resources, view: View, clock: Clock) -> None:
        self._central = central
        self._resources = resources
        self._view = view
        self._clock = clock
        self._memory = Memory()

    async def reconcile(self, name: str) -> Outcome:
        """Look at the resource of that name. Raises `RoxError` when it is to be tried again soon."""
        resource = await self._resources.get(name)
        if resource is None:
            return Outcome.PARKED
        status = Status.read(resource, self._clock.now())
        if resource["metadata"].get("deletionTimestamp"):
            await self._finish(resource, status)
            return Outcome.PARKED
        await self._refresh(resource, status)
        wanted = await self._converted(resource, status)
        found = self._central.named(wanted.name)
        wanted.id = found.id if found is not None else status.policy_id
        await self._resources.hold(resource)
        if self._yields(resource, status, found.id if found is not None else ""):
            await self._write(resource, status)
            return Outcome.SETTLED
        if found is not None and found.is_default:
            self._say(
                status,
                VALIDATED,
                False,
                f"Failed to reconcile: existing default policy with the same name '{wanted.name}' exists",
            )
            await self._write(resource, status)
            return Outcome.PARKED
        self._say(status, VALIDATED, True, words.VALIDATED_TEXT)
        await self._write(resource, status)
        await self._apply(resource, status, wanted)
        return Outcome.SETTLED

    async def _refresh(self, resource: Json, status: Status) -> None:
        try:
            await self._central.refresh()
        except RoxError as error:
            self._say(status, FRESH, False, f"Unable to refresh Central caches: {error.message}")
            await self._write(resource, status)
            raise
        self._say(status, FRESH, True, words.REFRESHED_TEXT)

    async def _converted(self, resource: Json, status: Status) -> Policy:
        spec = resource.get("spec")
        try:
            return policy_of(spec if isinstance(spec, dict) else {}, self._central.names)
        except Invalid as error:
            # What it names may be there by now.
            self._central.forget()
            text = f"Unable to convert given spec to protobuf: {error.message}"
            self._say(status, VALIDATED, False, text)
            await self._write(resource, status)
            raise

    def _yields(self, resource: Json, status: Status, policy_id: str) -> bool:
        """Whether an older resource has the policy's name; this one is then refused."""
        claim = Claim.of(resource)
        senior = self._view.senior(claim)
        if senior is None:
            return False
        text = (
            f'duplicate policyName "{claim.policy_name}" is already managed by SecurityPolicy '
            f'"{senior.name}"; policyName must be unique'
        )
        # The senior's policy, `policy_id`, is not this one's to delete; one of its own stays its own.
        if policy_id and status.policy_id == policy_id:
            status.policy_id = ""
        self._say(status, VALIDATED, False, text)
        self._say(status, ACCEPTED, False, text)
        _LOG.warning("resource refused", resource=claim.name, reason=text)
        return True

    async def _apply(self, resource: Json, status: Status, wanted: Policy) -> None:
        """Give the policy to Central, unless it has it so already."""
        uid, before = str(resource["metadata"].get("uid", "")), status.policy_id
        action = "update" if wanted.id else "create"
        try:
            held = await self._central.get(wanted.id) if wanted.id else None
            if held is None or not self._memory.equal(uid, wanted, held):
                action = "create" if held is None else "update"
                text = await self._given(uid, wanted, held)
                self._say(status, ACCEPTED, True, text)
            elif not status.holds(ACCEPTED):
                self._say(status, ACCEPTED, True, words.UPDATED_TEXT)
        except RoxError as error:
            self._central.forget()
            text = f"Failed to {action} policy '{wanted.name}': {error.message}"
            self._say(status, ACCEPTED, False, text)
            await self._write(resource, status)
            raise
        status.policy_id = wanted.id
        await self._write(resource, status)
        if before and before != wanted.id:
            # It took over another policy by its new name; the one it had would be nobody's.
            await self._remove(resource, before)

    async def _given(self, uid: str, wanted: Policy, held: Policy | None) -> str:
        """Write the policy; what to say of it. `wanted` has its id then."""
        if held is None:
            wanted.id = ""
            made = await self._central.create(wanted)
            wanted.id = made.id
            self._memory.note(uid, wanted, made)
            return words.CREATED_TEXT
        await self._central.update(wanted)
        made_of_it = await self._central.get(wanted.id)
        if made_of_it is not None:
            self._memory.note(uid, wanted, made_of_it)
        return words.UPDATED_TEXT

    async def _finish(self, resource: Json, status: Status) -> None:
        """Take the policy of a deleted resource out of Central, then let the resource go."""
        if FINALIZER not in finalizers(resource):
            return
        policy_id = status.policy_id
        if not policy_id and status.holds(VALIDATED):
            policy_id = await self._unnoted(resource)
        if policy_id:
            await self._remove(resource, policy_id)
        await self._resources.release(resource)
        self._memory.forget(str(resource["metadata"].get("uid", "")))

    async def _unnoted(self, resource: Json) -> str:
        """The id of a policy that was made just before the status could say so; else empty."""
        claim = Claim.of(resource)
        if self._view.wanted(claim):
            return ""
        await self._central.refresh()
        spec = resource.get("spec")
        found = self._central.named(name_of(spec if isinstance(spec, dict) else {}))
        return found.id if found is not None and found.source == DECLARATIVE else ""

    async def _remove(self, resource: Json, policy_id: str) -> None:
        """Delete a policy that nobody else wants, if it is still managed from outside Central."""
        if self._view.shared(Claim.of(resource), policy_id):
            return
        await self._central.refresh()
        held = await self._central.get(policy_id)
        if held is None:
            return
        if held.source != DECLARATIVE:
            _LOG.warning("policy is no longer managed by a resource and stays", policy=held.name)
            return
        await self._central.delete(held)

    def _say(self, status: Status, kind: str, holds: bool, text: str) -> None:
        status.say(kind, holds, text, self._clock.now())

    async def _write(self, resource: Json, status: Status) -> None:
        await self._resources.write_status(resource, status.form())
