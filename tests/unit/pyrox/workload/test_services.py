"""Services expose the ports of deployments."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.pb.storage.deployment_pb2 import Container, Deployment, PortConfig
from pyrox.workload.services import expose, to_service


def service(
    kind: str = "ClusterIP", *, name: str = "svc", target: Any = "http", **spec: Any
) -> dict[str, Any]:
    return {
        "metadata": {"uid": f"id-{name}", "name": name, "namespace": "shop"},
        "spec": {
            "type": kind,
            "selector": {"app": "x"},
            "clusterIP": "10.0.0.1",
            "ports": [{"port": 80, "targetPort": target, "nodePort": 30000}],
            **spec,
        },
    }


def deployment() -> Deployment:
    port = PortConfig(name="http", container_port=8080, protocol="TCP")
    return Deployment(namespace="shop", pod_labels={"app": "x"}, containers=[Container(ports=[port])])


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("ClusterIP", PortConfig.INTERNAL),
        ("NodePort", PortConfig.NODE),
        ("LoadBalancer", PortConfig.EXTERNAL),
        ("ExternalName", PortConfig.UNSET),
    ],
)
def test_expose_type_gives_level(kind: str, level: PortConfig.ExposureLevel.ValueType) -> None:
    made = deployment()
    expose(made, [to_service(service(kind))])
    assert made.ports[0].exposure == level
    assert made.containers[0].ports[0] == made.ports[0]


def test_expose_several_services_takes_highest_and_sorts_by_name() -> None:
    made = deployment()
    expose(made, [to_service(service("NodePort", name="b", target=8080)), to_service(service(name="a"))])
    assert made.ports[0].exposure == PortConfig.NODE
    assert [info.service_name for info in made.ports[0].exposure_infos] == ["a", "b"]


def test_expose_again_without_service_keeps_host_port_only() -> None:
    made = deployment()
    made.containers[0].ports[0].exposure_infos.add(level=PortConfig.HOST, node_port=1)
    expose(made, [to_service(service("NodePort"))])
    expose(made, [])
    assert made.ports[0].exposure == PortConfig.HOST
    assert len(made.ports[0].exposure_infos) == 1


def test_expose_other_namespace_labels_or_empty_selector_select_nothing() -> None:
    made = deployment()
    foreign = service()
    foreign["metadata"]["namespace"] = "other"
    expose(
        made,
        [to_service(foreign), to_service(service(selector={})), to_service(service(selector={"app": "y"}))],
    )
    assert made.ports[0].exposure == PortConfig.UNSET


def test_to_service_load_balancer_addresses() -> None:
    value = service("LoadBalancer", externalIPs=["1.1.1.1"], clusterIP="None")
    value["status"] = {"loadBalancer": {"ingress": [{"ip": "2.2.2.2"}, {"hostname": "h"}]}}
    made = to_service(value)
    assert (made.external_ips, made.external_hostnames, made.cluster_ip) == (
        ("1.1.1.1", "2.2.2.2"),
        ("h",),
        "",
    )
