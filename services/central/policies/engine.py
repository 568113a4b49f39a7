"""The compiled policies of this Central, made anew when policies change.

Build-time, YAML and dry-run checks ask it. It must not know requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from pyrox import log
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy.sets import PolicySet

_LOG = log.get(__name__)


class Policies(Protocol):
    """Where policies come from."""

    async def all_policies(self) -> Sequence[Policy]:
        """Every policy, disabled ones included."""


class PolicyEngine:
    """One compiled set, shared by all checks."""

    def __init__(self, *, policies: Policies) -> None:
        self._policies = policies
        self._set = PolicySet()
        self._generation = 1
        self._set_of = 0
        """The generation that the set was made from."""
        self._compiling = asyncio.Lock()

    def forget(self) -> None:
        """Policies changed, here or on another replica."""
        self._generation += 1

    async def current(self) -> PolicySet:
        """The compiled policies; those that cannot be compiled are logged and left out."""
        if self._set_of == self._generation:
            return self._set
        async with self._compiling:
            if self._set_of != self._generation:
                generation = self._generation
                found = await self._policies.all_policies()
                made = await asyncio.to_thread(PolicySet.of, found, before=self._set)
                for problem in made.problems:
                    _LOG.error("policy left out", policy=problem.policy_name, problem=problem.message)
                self._set, self._set_of = made, generation
            return self._set
