"""What a cluster is installed with: its certificates and the values of its chart, as one zip.

The route of `roxctl sensor get-bundle` asks for it. Certificates are new with every zip.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import yaml

from pyrox.mtls.ca import CertificateAuthority
from pyrox.mtls.identity import Subject, service_slug
from pyrox.pb.storage.cluster_pb2 import Cluster, ClusterType, CollectionMethod

_SERVICES = ("SENSOR_SERVICE", "COLLECTOR_SERVICE", "ADMISSION_CONTROL_SERVICE")
_CHART_KEYS = {
    "SENSOR_SERVICE": "sensor",
    "COLLECTOR_SERVICE": "collector",
    "ADMISSION_CONTROL_SERVICE": "admissionControl",
}
_README = """\
Files to install PyRox in the cluster "{name}".

    helm install -n stackrox --create-namespace stackrox-secured-cluster-services \\
      ./secured-cluster-services -f values.yaml -f secrets.yaml

secrets.yaml holds private keys: keep it as you keep other credentials.
"""


def bundle(ca: CertificateAuthority, cluster: Cluster) -> bytes:
    """The zip of one cluster."""
    files = {"ca.pem": ca.cert_pem.decode()}
    secrets: dict[str, object] = {"ca": {"cert": ca.cert_pem.decode()}}
    for service in _SERVICES:
        issued = ca.issue(Subject(service, cluster.id))
        cert, key = issued.cert_pem.decode(), issued.key_pem.decode()
        slug = service_slug(service)
        files[f"{slug}-cert.pem"], files[f"{slug}-key.pem"] = cert, key
        secrets[_CHART_KEYS[service]] = {"serviceTLS": {"cert": cert, "key": key}}
    files["values.yaml"] = yaml.safe_dump(values(cluster), sort_keys=True)
    files["secrets.yaml"] = yaml.safe_dump(secrets, sort_keys=True)
    files["README"] = _README.format(name=cluster.name)
    return _zip(files)


def values(cluster: Cluster) -> Mapping[str, object]:
    """The chart's values that describe the cluster."""
    admission = cluster.dynamic_config.admission_controller_config
    return {
        "clusterName": cluster.name,
        "clusterLabels": dict(cluster.labels),
        "centralEndpoint": cluster.central_api_endpoint,
        "helmManaged": False,
        "image": {
            "main": {"fullRef": cluster.main_image},
            **({"collector": {"fullRef": cluster.collector_image}} if cluster.collector_image else {}),
        },
        "registryOverride": cluster.dynamic_config.registry_override,
        "env": {"openshift": 4 if cluster.type == ClusterType.OPENSHIFT4_CLUSTER else False},
        "admissionControl": {
            "enforce": admission.enabled,
            "failurePolicy": "Fail" if cluster.admission_controller_fail_on_error else "Ignore",
            "dynamic": {"disableBypass": admission.disable_bypass},
        },
        "collector": {
            "collectionMethod": CollectionMethod.Name(cluster.collection_method),
            "disableTaintTolerations": cluster.tolerations_config.disabled,
        },
        "auditLogs": {"disableCollection": cluster.dynamic_config.disable_audit_logs},
    }


def _zip(files: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (
                0o600 if name.endswith("-key.pem") or name == "secrets.yaml" else 0o644
            ) << 16
            archive.writestr(info, text)
    return made.getvalue()
