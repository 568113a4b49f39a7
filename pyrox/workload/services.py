"""Services, and how they expose the ports of the deployments that they select.

Sensor keeps the services and calls `expose` whenever a deployment or a service changes.
It must not know where either is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyrox.pb.storage.deployment_pb2 import Deployment, PortConfig
from pyrox.workload import objects, selectors
from pyrox.workload.deployments import aggregate_ports
from pyrox.workload.objects import Object

_LEVELS = {
    "LoadBalancer": PortConfig.EXTERNAL,
    "NodePort": PortConfig.NODE,
    "ClusterIP": PortConfig.INTERNAL,
    "": PortConfig.INTERNAL,
}
# From least to most exposed (upstream pkg/containers/ports.go); the numbers of the enum
# are in another order.
_RANK = {
    PortConfig.UNSET: 0,
    PortConfig.INTERNAL: 1,
    PortConfig.HOST: 2,
    PortConfig.NODE: 3,
    PortConfig.ROUTE: 4,
    PortConfig.EXTERNAL: 5,
}
_NO_ADDRESS = "None"


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a service; `target` is a number or the name of a container port."""

    port: int
    node_port: int
    protocol: str
    target: int | str


@dataclass(frozen=True, slots=True)
class Service:
    """What matters of a service."""

    id: str
    name: str
    namespace: str
    selector: Mapping[str, str]
    level: PortConfig.ExposureLevel.ValueType
    cluster_ip: str
    external_ips: tuple[str, ...]
    external_hostnames: tuple[str, ...]
    ports: tuple[ServicePort, ...]

    def selects(self, deployment: Deployment) -> bool:
        """Whether the deployment's pods stand behind the service."""
        return self.namespace == deployment.namespace and selectors.matches_map(
            self.selector, deployment.pod_labels
        )


def to_service(value: Object) -> Service:
    """The service; one of an unknown type exposes nothing."""
    spec = objects.child(value, "spec")
    ingress = list(objects.children(objects.child(value, "status", "loadBalancer"), "ingress"))
    cluster_ip = objects.text(spec, "clusterIP")
    return Service(
        id=objects.uid(value),
        name=objects.name(value),
        namespace=objects.namespace(value),
        selector=objects.string_map(spec, "selector"),
        level=_LEVELS.get(objects.text(spec, "type"), PortConfig.UNSET),
        cluster_ip="" if cluster_ip == _NO_ADDRESS else cluster_ip,
        external_ips=(
            *objects.texts(spec, "externalIPs"),
            *(address for item in ingress if (address := objects.text(item, "ip"))),
        ),
        external_hostnames=tuple(host for item in ingress if (host := objects.text(item, "hostname"))),
        ports=tuple(_port(port) for port in objects.children(spec, "ports")),
    )


def _port(port: Object) -> ServicePort:
    number = objects.number(port, "port")
    target: int | str = objects.number(port, "targetPort") or objects.text(port, "targetPort")
    return ServicePort(
        port=number,
        node_port=objects.number(port, "nodePort"),
        protocol=objects.text(port, "protocol") or "TCP",
        target=target or number,
    )


def expose(deployment: Deployment, services: Iterable[Service]) -> None:
    """Set the exposure of all ports from the services that select the deployment.

    Host ports stay. Services are taken in the order of their names, so that equal
    states give equal messages.
    """
    selecting = sorted((service for service in services if service.selects(deployment)), key=_by_name)
    for container in deployment.containers:
        for port in container.ports:
            _keep_host_only(port)
            for service in selecting:
                _expose_port(port, service)
    aggregate_ports(deployment)


def _by_name(service: Service) -> str:
    return service.name


def _keep_host_only(port: PortConfig) -> None:
    hosts = [info for info in port.exposure_infos if info.level == PortConfig.HOST]
    del port.exposure_infos[:]
    port.exposure_infos.extend(hosts)
    port.exposure = PortConfig.HOST if hosts else PortConfig.UNSET


def _expose_port(port: PortConfig, service: Service) -> None:
    for offered in service.ports:
        hit = offered.target == (port.name if isinstance(offered.target, str) else port.container_port)
        if not hit or offered.protocol != port.protocol or service.level == PortConfig.UNSET:
            continue
        port.exposure_infos.append(_info(service, offered))
        if _RANK[service.level] > _RANK[port.exposure]:
            port.exposure = service.level


def _info(service: Service, offered: ServicePort) -> PortConfig.ExposureInfo:
    return PortConfig.ExposureInfo(
        level=service.level,
        service_name=service.name,
        service_id=service.id,
        service_cluster_ip=service.cluster_ip,
        service_port=offered.port,
        node_port=offered.node_port,
        external_ips=service.external_ips,
        external_hostnames=service.external_hostnames,
    )
