"""Deployments made anew whenever something that they depend on changed.

Watch handlers mark deployment ids; this component rebuilds each once, however often it
was marked, and publishes it only when it says something new. It must not know which
object caused a change.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from pyrox.clock import Clock
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.workload import objects
from pyrox.workload.deployments import Scene, to_deployment
from pyrox.workload.services import Service, expose
from services.sensor.link.events import Origin, hash_of
from services.sensor.store.messages import Messages
from services.sensor.store.publish import Publisher
from services.sensor.store.rbac import Account, Rbac
from services.sensor.store.workloads import Workloads

OnChange = Callable[[str, ResourceAction.ValueType], None]
"""Told of each deployment that was published or removed."""
# After so many deployments the loop gets a turn, so that streams stay alive in a storm.
_BATCH = 20


class Resolver:
    """The component that rebuilds deployments."""

    name = "resolver"

    def __init__(
        self,
        *,
        workloads: Workloads,
        rbac: Rbac,
        messages: Messages,
        publisher: Publisher,
        clock: Clock,
        cluster_id: Callable[[], str],
    ) -> None:
        self._workloads = workloads
        self._rbac = rbac
        self._messages = messages
        self._publisher = publisher
        self._clock = clock
        self._cluster_id = cluster_id
        self._services: defaultdict[str, dict[str, Service]] = defaultdict(dict)
        self._namespace_ids: dict[str, str] = {}
        self._marked: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._held = True
        self._listeners: list[OnChange] = []
        self.registry_override = ""
        self.init_containers = True
        self.image_ids = True

    def listen(self, listener: OnChange) -> None:
        """Tell the listener of every published or removed deployment."""
        self._listeners.append(listener)

    def mark(self, deployment_id: str, cause: str = "") -> None:
        """Rebuild the deployment soon; `cause` is the kind of object that changed."""
        if not deployment_id:
            return
        self._marked.setdefault(deployment_id, cause)
        self._idle.clear()
        if not self._held:
            self._wake.set()

    def mark_all(self) -> None:
        """Rebuild everything."""
        for key in self._workloads.by_id:
            self.mark(key)

    def mark_accounts(self, accounts: set[Account]) -> None:
        """Rebuild the deployments that run under these service accounts."""
        for deployment in self._messages.deployments():
            if (deployment.namespace, deployment.service_account) in accounts:
                self.mark(deployment.id)

    def judge_again(self, key: str) -> None:
        """Tell the listeners that a deployment must be judged again although it did not change."""
        if self._publisher.synced.is_set():
            self._tell(key, ResourceAction.UPDATE_RESOURCE)

    def put_service(self, service: Service) -> None:
        """Learn a service and rebuild what it selects or selected."""
        before = self._services[service.namespace].get(service.id)
        self._services[service.namespace][service.id] = service
        self._mark_selected(before, service)

    def remove_service(self, namespace: str, key: str) -> None:
        """Forget a service and rebuild what it selected."""
        self._mark_selected(self._services[namespace].pop(key, None))

    def put_namespace(self, name: str, key: str) -> None:
        """Learn a namespace's id."""
        if self._namespace_ids.get(name) != key:
            self._namespace_ids[name] = key
            for deployment in self._messages.deployments():
                if deployment.namespace == name:
                    self.mark(deployment.id)

    def begin(self) -> None:
        """Start rebuilding: all that a deployment depends on has been listed."""
        self._held = False
        self._wake.set()

    async def settled(self) -> None:
        """Return when nothing is marked."""
        await self._idle.wait()

    async def run(self, ready: Callable[[], None]) -> None:
        """Rebuild marked deployments until cancelled."""
        ready()
        while True:
            await self._wake.wait()
            self._wake.clear()
            done = 0
            while self._marked:
                key = next(iter(self._marked))
                self._resolve(key, self._marked.pop(key))
                done += 1
                if done % _BATCH == 0:
                    await asyncio.sleep(0)
            self._idle.set()

    def build(self, key: str) -> Deployment | None:
        """The deployment as it is now, or None when it is gone."""
        value = self._workloads.by_id.get(key)
        if value is None:
            return None
        deployment = to_deployment(value, self._scene(), self._workloads.pods_of(key))
        if deployment is None:
            return None
        deployment.namespace_id = self._namespace_ids.get(deployment.namespace, "")
        expose(deployment, self._services[deployment.namespace].values())
        account = (deployment.namespace, deployment.service_account)
        deployment.service_account_permission_level = self._rbac.level(account)
        deployment.hash = hash_of(deployment)
        return deployment

    def enhance(self, deployment: Deployment) -> None:
        """Add to a deployment from elsewhere what this cluster knows: exposure and permissions."""
        deployment.cluster_id = self._cluster_id()
        deployment.namespace_id = self._namespace_ids.get(deployment.namespace, "")
        expose(deployment, self._services[deployment.namespace].values())
        account = (deployment.namespace, deployment.service_account)
        deployment.service_account_permission_level = self._rbac.level(account)

    def _scene(self) -> Scene:
        return Scene(
            now=self._clock.now(),
            cluster_id=self._cluster_id(),
            registry_override=self.registry_override,
            init_containers=self.init_containers,
            image_ids=self.image_ids,
        )

    def _resolve(self, key: str, cause: str) -> None:
        deployment = self.build(key)
        if deployment is None:
            if self._publisher.remove("deployment", key) is not None:
                self._tell(key, ResourceAction.REMOVE_RESOURCE)
            return
        before = self._messages.deployment(key)
        if before is not None and before.hash == deployment.hash:
            return
        kind = objects.text(self._workloads.by_id[key], "kind")
        origin = Origin(cause or kind, "Deployment")
        self._tell(key, self._publisher.upsert("deployment", key, deployment, origin))

    def _tell(self, key: str, action: ResourceAction.ValueType) -> None:
        for listener in self._listeners:
            listener(key, action)

    def _mark_selected(self, *services: Service | None) -> None:
        found = [service for service in services if service is not None]
        for deployment in self._messages.deployments():
            if any(service.selects(deployment) for service in found):
                self.mark(deployment.id)
