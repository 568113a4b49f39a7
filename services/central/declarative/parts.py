"""Declarative configuration put together; `app.py` calls it once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pyrox.clock import Clock
from services.central.access import defaults
from services.central.clusters.store import ClusterStore
from services.central.declarative.apply import Applier, Effects
from services.central.declarative.documents import Reader
from services.central.declarative.health import Healths
from services.central.declarative.keeper import Keeper
from services.central.declarative.service import DeclarativeConfigHealthService
from services.central.declarative.settings import DeclarativeSettings
from services.central.machines.store import MachineStore
from services.central.policies.store import PolicyStore
from services.central.roles.store import RoleStore


@dataclass(frozen=True, slots=True)
class Declarative:
    """The service and the component, which is left out where the feature is off."""

    servicer: DeclarativeConfigHealthService
    components: tuple[Keeper, ...]


class Stores(Protocol):
    """Where the objects are that can be declared."""

    @property
    def roles(self) -> RoleStore:
        """Roles, permission sets, access scopes."""

    @property
    def machines(self) -> MachineStore:
        """Logins of machines."""

    @property
    def policies(self) -> PolicyStore:
        """Policies."""

    @property
    def clusters(self) -> ClusterStore:
        """Clusters, which policies name."""


def declarative(settings: DeclarativeSettings, clock: Clock, stores: Stores, effects: Effects) -> Declarative:
    """Both, over these stores."""
    healths = Healths()
    applier = Applier(
        roles=stores.roles,
        machines=stores.machines,
        policies=stores.policies,
        clusters=stores.clusters,
        effects=effects,
        clock=clock,
    )
    keeper = Keeper(
        settings=settings,
        reader=Reader(defaults=defaults.load()),
        applier=applier,
        healths=healths,
        clock=clock,
    )
    servicer = DeclarativeConfigHealthService(healths=healths)
    return Declarative(servicer, (keeper,) if settings.enabled else ())
