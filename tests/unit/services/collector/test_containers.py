from __future__ import annotations

import pytest

from services.collector.containers import container_id, container_of_file

ID = "0123456789ab" + "cd" * 26

NAMES = {
    "containerd with systemd": f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope",
    "cri-o with systemd": f"/kubepods.slice/kubepods-pod1.slice/crio-{ID}.scope",
    "docker with systemd": f"/system.slice/docker-{ID}.scope",
    "podman": f"/machine.slice/libpod-{ID}.scope",
    "docker with cgroupfs": f"/docker/{ID}",
    "kubelet with cgroupfs": f"/kubepods/burstable/pod0a1b2c3d-0000-4000-8000-000000000000/{ID}",
    "slice, driver and id": f"/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:{ID}",
    "group below the container's": f"/kubepods/pod1/{ID}/init.scope",
    "several groups below": f"/kubepods.slice/crio-{ID}.scope/user/a/b",
    "container in a container": f"/docker/{'e' * 64}/kubepods/pod1/{ID}",
    "text after the scope": f"/machine.slice/libpod-{ID}.scope-extra",
}


@pytest.mark.parametrize("path", NAMES.values(), ids=NAMES)
def test_container_id_path_of_a_container_gives_twelve_digits(path: str) -> None:
    assert container_id(path) == "0123456789ab"


OTHERS = {
    "root": "/",
    "empty": "",
    "service": "/system.slice/ssh.service",
    "cri-o's monitor": f"/machine.slice/crio-conmon-{ID}.scope",
    "podman's monitor": f"/machine.slice/libpod-conmon-{ID}.scope",
    "one digit too few": f"/docker/{ID[1:]}",
    "one digit too many": f"/docker/a{ID}",
    "no digit": f"/docker/{ID[:-1]}g",
    "nothing before the id": ID,
    "letter before the id": f"/docker/x{ID}",
    "id in the middle": f"/docker/{ID}-tail",
    "digits of another alphabet": "/docker/" + "٣" * 64,
}


@pytest.mark.parametrize("path", OTHERS.values(), ids=OTHERS)
def test_container_id_path_of_no_container_gives_nothing(path: str) -> None:
    assert container_id(path) == ""


def test_container_id_monitor_in_a_container_counts_as_the_monitor() -> None:
    assert container_id(f"/docker/{'e' * 64}/crio-conmon-{ID}.scope") == ""


def test_container_of_file_version_1_takes_the_first_controller_that_tells() -> None:
    lines = ["12:cpuset:/", f"4:memory:/kubepods/pod1/{ID}\n", f"1:name=systemd:/docker/{'e' * 64}"]
    assert container_of_file(lines) == "0123456789ab"


def test_container_of_file_version_2_and_paths_with_colons() -> None:
    assert container_of_file([f"0::/system.slice/x.slice:cri-containerd:{ID}"]) == "0123456789ab"


def test_container_of_file_of_a_host_process_gives_nothing() -> None:
    assert container_of_file(["0::/init.scope", "garbage", ""]) == ""
