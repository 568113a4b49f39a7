"""A second cluster: control plane only, Sensor as a process, joined by a cluster registration secret."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.conftest import shared_folder
from tests.support import kube
from tests.support.cluster import eventually, forwarded
from tests.support.helm_installation import NAMESPACE, Installed
from tests.support.sensor_pod import sensor_pod

pytestmark = [pytest.mark.needs("cluster", "helm", "kube"), pytest.mark.timeout(1200)]
NAME = "second"


def test_second_cluster_joins_by_its_registration_secret(installed: Installed, tmp_path: Path) -> None:
    scripts = shared_folder() / "kube"
    secret = tmp_path / "crs.yaml"
    installed.roxctl("central", "crs", "generate", NAME, "--output", str(secret))
    with (
        kube.control_plane(scripts, tmp_path / "kube", port=kube.free_ports()) as path,
        forwarded(NAMESPACE, "svc/central", 443) as port,
    ):
        cluster = kube.Cluster(path)
        made = sensor_pod(tmp_path / "pod", f"127.0.0.1:{port}", cluster, NAME)
        made.take_secret(yaml.safe_load(secret.read_text()))
        code, log = made.register()
        assert code == 0, log
        sensor = made.sensor()
        sensor.start()
        try:
            eventually(lambda: installed.healthy(NAME), seconds=240, what="the second cluster is healthy")
            own = cluster.must("get", "deployment", "sensor", "-n", NAME, "-o", "jsonpath={.metadata.uid}")
            query = f"Cluster:{NAME}+Deployment:sensor"
            shown = installed.get("/v1/deployments", query=query)["deployments"]
            assert [one["id"] for one in shown] == [own]
        finally:
            sensor.kill()
    assert installed.healthy()
