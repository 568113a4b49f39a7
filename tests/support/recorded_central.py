"""A fake Central with the objects that the recorded runs of roxctl saw."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509

from pyrox.errors import NoCredentials
from pyrox.pb.api.v1 import (
    auth_service_pb2,
    cluster_init_service_pb2,
    cluster_service_pb2,
    detection_service_pb2,
    image_service_pb2,
    role_service_pb2,
)
from pyrox.pb.storage import cluster_pb2, cve_pb2, image_pb2
from pyrox.rpc.call import ANONYMOUS, Identity
from tests.support.fake_central import FakeCentral
from tests.support.servicers import ADMIN, servicer

LOADED = (detection_service_pb2, image_service_pb2)
RIGHTS = [
    "Access",
    "Administration",
    "Alert",
    "CVE",
    "Cluster",
    "Compliance",
    "Deployment",
    "DeploymentExtension",
    "Detection",
    "Image",
    "ImageAdministration",
    "Integration",
    "K8sRole",
    "K8sRoleBinding",
    "K8sSubject",
    "Namespace",
    "NetworkGraph",
    "NetworkPolicy",
    "Node",
    "Secret",
    "ServiceAccount",
    "VirtualMachine",
    "VulnerabilityManagementApprovals",
    "VulnerabilityManagementRequests",
    "WatchedImage",
    "WorkflowAdministration",
]
TRACKER = "https://security-tracker.debian.org/tracker"
IMPORTANT = cve_pb2.IMPORTANT_VULNERABILITY_SEVERITY
LOW = cve_pb2.LOW_VULNERABILITY_SEVERITY


class Basic:
    """Knows the administrator's password `letmein` and refuses every other."""

    def __init__(self) -> None:
        self.metadata: list[Mapping[str, str]] = []

    async def identify(self, metadata: Mapping[str, str], certificate: x509.Certificate | None) -> Identity:
        self.metadata.append(dict(metadata))
        given = metadata.get("authorization", "")
        if given in {"Basic " + base64.b64encode(b"admin:letmein").decode(), "Bearer a-token"}:
            return ADMIN
        if given:
            raise NoCredentials.of(
                'basic: cannot extract identity: failed to identify user with username "admin"'
            )
        return ANONYMOUS


def scanned_image() -> image_pb2.Image:
    """The image that the recorded scans show."""
    image = image_pb2.Image()
    for name, version, cve, severity, cvss, link, fixed in (
        ("libc6", "2.36-9", "CVE-2099-0002", LOW, 0.0, f"{TRACKER}/CVE-2099-0002", ""),
        (
            "openssl", "3.0.11-1~deb12u1", "CVE-2099-0001", IMPORTANT, 0.0,
            f"{TRACKER}/CVE-2099-0001", "3.0.15-1~deb12u1",
        ),
        (
            "requests", "2.19.0", "CVE-2018-18074", IMPORTANT, 7.5,
            "https://osv.dev/vulnerability/GHSA-test-0001 CVE-2018-18074", "2.20.0",
        ),
        ("bash", "5.2.15-2+b2", "", LOW, 0.0, "", ""),
    ):  # fmt: skip
        component = image.scan.components.add(name=name, version=version)
        if cve:
            component.vulns.add(cve=cve, severity=severity, cvss=cvss, link=link, fixed_by=fixed)
    return image


class Recorded:
    """The servicers' functions; a test may replace what they answer."""

    def __init__(self) -> None:
        self.image = scanned_image()
        self.requests: list[Any] = []
        self.answers: dict[str, Any] = {}
        self.clusters = [cluster_pb2.Cluster(id="6c7a0a4e-3d0c-4e22-9f0f-5a8a2f6b1d11", name="lab")]

    async def status(self, request: Any, call: Any) -> auth_service_pb2.AuthStatus:
        status = auth_service_pb2.AuthStatus(user_id="admin")
        status.user_info.username = "admin"
        status.user_info.roles.add(name="Admin")
        return status

    async def permissions(self, request: Any, call: Any) -> role_service_pb2.GetPermissionsResponse:
        return role_service_pb2.GetPermissionsResponse(resource_to_access=dict.fromkeys(RIGHTS, 2))  # type: ignore[arg-type]

    async def scan(self, request: Any, call: Any) -> image_pb2.Image:
        self.requests.append(request)
        error = self.answers.pop("scan", None)
        if error is not None:
            raise error
        return self.image

    async def get_clusters(self, request: Any, call: Any) -> cluster_service_pb2.ClustersList:
        self.requests.append(request)
        return cluster_service_pb2.ClustersList(clusters=self.clusters)

    def answer(self, name: str) -> Any:
        """A function that remembers its request and gives what `answers` holds."""

        async def function(request: Any, call: Any) -> Any:
            self.requests.append(request)
            found = self.answers[name]
            if isinstance(found, list):
                found = found.pop(0)
            if isinstance(found, Exception):
                raise found
            return found

        return function

    def servicers(self) -> Sequence[Any]:
        self.answers |= {
            "bundles": cluster_init_service_pb2.InitBundleMetasResponse(),
            "crss": cluster_init_service_pb2.CRSMetasResponse(),
        }
        return [
            servicer("v1.AuthService", GetAuthStatus=self.status),
            servicer("v1.RoleService", GetMyPermissions=self.permissions),
            servicer("v1.ImageService", ScanImage=self.scan),
            servicer(
                "v1.DetectionService",
                DetectBuildTime=self.answer("build"),
                DetectDeployTimeFromYAML=self.answer("deploy"),
            ),
            servicer(
                "v1.ClustersService",
                GetClusters=self.get_clusters,
                DeleteCluster=self.answer("delete"),
                PostCluster=self.answer("post"),
                GetClusterDefaultValues=self.answer("defaults"),
            ),
            servicer(
                "v1.ClusterInitService",
                GetInitBundles=self.answer("bundles"),
                GetCRSs=self.answer("crss"),
                GenerateInitBundle=self.answer("generate"),
                RevokeInitBundle=self.answer("revoke"),
                GetCAConfig=self.answer("ca"),
                GenerateCRS=self.answer("crs"),
                GenerateCRSExtended=self.answer("crs"),
                RevokeCRS=self.answer("revoke_crs"),
            ),
        ]

    def central(self, directory: Path, **options: Any) -> FakeCentral:
        """The server."""
        return FakeCentral(
            directory, self.servicers(), authenticator=options.pop("authenticator", Basic()), **options
        )
