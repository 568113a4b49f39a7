"""Compliance and Sensor over mTLS: the node's stream, Sensor's restart, and who may open it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest

from pyrox.clock import SystemClock
from pyrox.k8s import kinds
from pyrox.mtls.identity import Subject
from pyrox.mtls.reload import CertFiles
from pyrox.pb.internalapi.sensor.compliance_iservice_pb2_grpc import ComplianceServiceStub
from pyrox.service import Supervisor
from services.compliance import config as settings
from services.compliance.app import build
from tests.support import scanner
from tests.support.central_link import CentralLinkServer
from tests.support.fake_k8s import FakeKubernetes
from tests.support.pki import CLUSTER_ID, COLLECTOR, SENSOR, Pki
from tests.support.sensor import running_sensor
from tests.support.waiting import until

NODE = {
    "metadata": {
        "name": "node-1",
        "uid": "uid-node-1",
        "labels": {"node-role.kubernetes.io/control-plane": ""},
    },
    "status": {"nodeInfo": {"containerRuntimeVersion": "cri-o://1.30.1"}},
}


def config(pki: Pki, address: tuple[str, int], files: CertFiles) -> settings.Config:
    return settings.load(
        [],
        {
            "ROX_NODE_NAME": "node-1",
            "ROX_ADVERTISED_ENDPOINT": f"{address[0]}:{address[1]}",
            "ROX_MTLS_CA_FILE": str(pki.ca_file),
            "ROX_MTLS_CERT_FILE": str(files.cert),
            "ROX_MTLS_KEY_FILE": str(files.key),
        },
    )


async def test_node_is_greeted_and_greeted_again_by_a_sensor_that_came_back(tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki")
    async with FakeKubernetes().running() as kube, CentralLinkServer(pki, []).running() as central:
        kube.put(kinds.NODE, NODE)
        async with running_sensor(kube, central, pki, tmp_path) as sensor:
            await central.synced()
            app = build(config(pki, sensor.front.addresses[0], pki.files(COLLECTOR)), SystemClock())
            supervisor = Supervisor(app.components)
            async with supervisor.running() as died:
                await until(lambda: app.stream.config)
                first = app.stream.config
                assert first is not None
                assert first.is_master_node
                await app.channels.close()
                await until(lambda: app.stream.config is not first and app.stream.config is not None)
                assert not died.done()
            await app.close()


@pytest.mark.parametrize("subject", [Subject("ADMISSION_CONTROL_SERVICE", CLUSTER_ID), SENSOR])
async def test_only_collectors_certificate_opens_the_stream(tmp_path: Path, subject: Subject) -> None:
    pki = Pki(tmp_path / "pki")
    async with (
        FakeKubernetes().running() as kube,
        CentralLinkServer(pki, []).running() as central,
        running_sensor(kube, central, pki, tmp_path) as sensor,
        scanner.channel(sensor.front.addresses[0], pki, subject, SENSOR) as channel,
    ):
        call = ComplianceServiceStub(channel).Communicate(
            iter(()), metadata=(("rox-compliance-nodename", "n"),)
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            async with asyncio.timeout(60):
                await call.read()
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
