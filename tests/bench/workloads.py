"""Generated deployments, images and processes for the figures on policies.

Used by `tests.bench.policy`, `tests.bench.opa` and `tests.bench.policy_change`. The same
seed gives the same objects. Every so often one of them breaks a default policy, as in a
cluster where most of what runs is in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

from pyrox.pb.storage import cve_pb2, process_indicator_pb2
from pyrox.pb.storage.deployment_pb2 import Container, ContainerConfig, Deployment, PortConfig, Volume
from pyrox.pb.storage.image_pb2 import EmbeddedImageScanComponent, Image, ImageLayer
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from pyrox.policy.subject import DeploymentSubject, ProcessSubject

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SEED = 20261124
LAYERS = 20
# One object in so many has a given fault.
_RARE = 12
_FAMOUS = ("CVE-2017-5638", "CVE-2021-44228", "CVE-2021-45046", "CVE-2022-22963", "CVE-2022-22965")
_PACKAGES = 2000
_TOOLS = ("apt", "dpkg", "rpm", "dnf", "apk-tools", "yum")
_SOURCES = ("/srv/data", "/var/run/docker.sock", "/etc/ssl", "/opt/app", "/home/app")
_LINES = (
    ("RUN", "/bin/sh -c apt-get update"),
    ("RUN", "/bin/sh -c yum update"),
    ("CMD", "serve --registry-is-insecure --listen 0.0.0.0"),
    ("EXPOSE", "22/tcp"),
)


class Workloads:
    """Makes objects; two with the same seed make the same ones."""

    def __init__(self, seed: int = SEED) -> None:
        self._random = Random(seed)

    def deployments(self, count: int, *, components: int, vulns: int) -> Iterator[DeploymentSubject]:
        """Deployments of two containers; both images together have so many components and vulnerabilities."""
        for number in range(count):
            images = [self.image(2 * number + half, components // 2, vulns // 2) for half in range(2)]
            yield self.deployment(number, images)

    def image(self, number: int, components: int, vulns: int) -> Image:
        """An image with that many components and vulnerabilities, a few of them serious."""
        tag = "latest" if self._rarely() else f"1.{number}"
        made = Image(id=f"sha256:{number:064x}")
        remote = "kubernetesui/dashboard" if self._rarely() else f"acme/app-{number}"
        made.name.registry, made.name.remote, made.name.tag = "quay.io", remote, tag
        made.name.full_name = f"quay.io/{remote}:{tag}"
        made.metadata.v1.user = "root" if self._rarely() else "1001"
        made.metadata.v1.created.FromDatetime(datetime(2026, 11, 1, tzinfo=UTC))
        made.metadata.v1.layers.extend(self._layers())
        made.scan.scan_time.FromDatetime(datetime(2026, 11, 20, tzinfo=UTC))
        made.scan.operating_system = "debian:12"
        for at in range(components):
            component = made.scan.components.add(name=self._package(at), version=f"1.{at}")
            self._fill(component, number, range(at, vulns, components))
        return made

    def deployment(self, number: int, images: list[Image]) -> DeploymentSubject:
        """A deployment with a container per image."""
        made = Deployment(
            id=f"d-{number}",
            name=f"app-{number}",
            namespace="prod",
            type="Deployment",
            replicas=2,
            service_account="default" if self._rarely() else "app",
            automount_service_account_token=self._random.random() < 0.5,
            host_network=self._rarely(),
            host_ipc=self._rarely(),
            host_pid=self._rarely(),
        )
        made.labels["app"] = f"app-{number}"
        made.annotations["team"] = "shop"
        ports = [8080, 22 if self._rarely() else 8443]
        made.ports.extend(PortConfig(container_port=port, protocol="TCP") for port in ports)
        made.containers.extend(self._container(at, one) for at, one in enumerate(images))
        return DeploymentSubject(made, images)

    def _container(self, at: int, image: Image) -> Container:
        made = Container(name=f"main-{at}")
        made.image.id = image.id
        made.image.name.CopyFrom(image.name)
        context = made.security_context
        context.read_only_root_filesystem = True
        context.privileged, context.allow_privilege_escalation = self._rarely(), self._rarely()
        context.add_capabilities.append("SYS_ADMIN" if self._rarely() else "NET_BIND_SERVICE")
        made.config.app_armor_profile = "unconfined" if self._rarely() else "runtime/default"
        made.resources.cpu_cores_request = 0 if self._rarely() else 0.25
        made.resources.memory_mb_limit = 0 if self._rarely() else 256
        for number in range(8):
            key = "DB_PASSWORD" if number == 7 and self._rarely() else f"SETTING_{number}"
            made.config.env.add(key=key, value="x", env_var_source=ContainerConfig.EnvironmentConfig.RAW)
        for number in range(4):
            made.volumes.append(self._volume(number))
        return made

    def _volume(self, number: int) -> Volume:
        source = self._random.choice(_SOURCES) if self._rarely() else "/srv/data"
        made = Volume(name=f"data-{number}", source=source, destination=f"/data/{number}", type="HostPath")
        made.read_only = self._random.random() < 0.5
        if self._rarely():
            made.mount_propagation = Volume.BIDIRECTIONAL
        return made

    def _layers(self) -> Iterator[ImageLayer]:
        for at in range(LAYERS):
            instruction, value = "RUN", f"/bin/sh -c make step-{at} && make install-{at}"
            if at == LAYERS - 1 and self._rarely():
                instruction, value = self._random.choice(_LINES)
            yield ImageLayer(instruction=instruction, value=value)

    def _package(self, at: int) -> str:
        if at == 0 and self._rarely():
            return self._random.choice(_TOOLS)
        # Images share most of their packages, which come from a few distributions.
        return f"package-{self._random.randrange(_PACKAGES)}"

    def _fill(self, component: EmbeddedImageScanComponent, number: int, vulns: range) -> None:
        for at in vulns:
            famous = at == 0 and self._rarely()
            component.vulns.append(
                EmbeddedVulnerability(
                    cve=self._random.choice(_FAMOUS) if famous else f"CVE-2024-{number}{at:04}",
                    cvss=(at % 20) / 2,
                    severity=cve_pb2.VulnerabilitySeverity.ValueType(at % 5),
                    fixed_by="2.0" if at % 6 == 0 else "",
                )
            )

    def _rarely(self) -> bool:
        return self._random.randrange(_RARE) == 0


def processes(on: DeploymentSubject, count: int) -> list[ProcessSubject]:
    """Process events of 200 executables; every second has arguments of its own."""
    made = []
    for at in range(count):
        process = process_indicator_pb2.ProcessIndicator(container_name="main-0")
        process.signal.name = f"program-{at % 200}"
        process.signal.exec_file_path = f"/usr/bin/program-{at % 200}"
        process.signal.args = f"--request {at}" if at % 2 else "--serve"
        process.signal.uid = 1001
        made.append(ProcessSubject(on, process))
    return made


def as_json(subject: DeploymentSubject) -> dict[str, Any]:
    """The parts of the objects that policies ask about, named as in their JSON form, zeros included."""
    return {
        "deployment": _deployment(subject.deployment),
        "images": [_image(one) for one in subject.images if one is not None],
    }


def _deployment(made: Deployment) -> dict[str, Any]:
    return {
        "id": made.id,
        "name": made.name,
        "namespace": made.namespace,
        "serviceAccount": made.service_account,
        "automountServiceAccountToken": made.automount_service_account_token,
        "hostNetwork": made.host_network,
        "hostIpc": made.host_ipc,
        "hostPid": made.host_pid,
        "labels": dict(made.labels),
        "annotations": dict(made.annotations),
        "ports": [{"containerPort": one.container_port, "protocol": one.protocol} for one in made.ports],
        "containers": [_container(one) for one in made.containers],
    }


def _container(made: Container) -> dict[str, Any]:
    context, sources = made.security_context, ContainerConfig.EnvironmentConfig.EnvVarSource
    return {
        "name": made.name,
        "securityContext": {
            "privileged": context.privileged,
            "allowPrivilegeEscalation": context.allow_privilege_escalation,
            "readOnlyRootFilesystem": context.read_only_root_filesystem,
            "addCapabilities": list(context.add_capabilities),
        },
        "resources": {
            "cpuCoresRequest": made.resources.cpu_cores_request,
            "memoryMbLimit": made.resources.memory_mb_limit,
        },
        "config": {
            "appArmorProfile": made.config.app_armor_profile,
            "env": [
                {"key": one.key, "value": one.value, "envVarSource": sources.Name(one.env_var_source)}
                for one in made.config.env
            ],
        },
        "volumes": [
            {
                "name": one.name,
                "source": one.source,
                "destination": one.destination,
                "type": one.type,
                "readOnly": one.read_only,
                "mountPropagation": Volume.MountPropagation.Name(one.mount_propagation),
            }
            for one in made.volumes
        ],
    }


def _image(made: Image) -> dict[str, Any]:
    return {
        "id": made.id,
        "name": {"registry": made.name.registry, "remote": made.name.remote, "tag": made.name.tag},
        "metadata": {
            "v1": {
                "user": made.metadata.v1.user,
                "layers": [
                    {"instruction": one.instruction, "value": one.value} for one in made.metadata.v1.layers
                ],
            }
        },
        "scan": {
            "operatingSystem": made.scan.operating_system,
            "components": [
                {"name": one.name, "version": one.version, "vulns": [_vuln(found) for found in one.vulns]}
                for one in made.scan.components
            ],
        },
    }


def _vuln(made: EmbeddedVulnerability) -> dict[str, Any]:
    return {
        "cve": made.cve,
        # Whole numbers are written as such, as in a message's JSON form.
        "cvss": int(made.cvss) if made.cvss == int(made.cvss) else made.cvss,
        "severity": cve_pb2.VulnerabilitySeverity.Name(made.severity),
        "state": cve_pb2.VulnerabilityState.Name(made.state),
        "suppressed": made.suppressed,
        "fixedBy": made.fixed_by,
    }
