"""What a cluster is installed with, as one zip: its certificates, the chart, the chart's values.

`POST /api/extensions/clusters/zip` answers with it, for `roxctl sensor generate` and
`roxctl sensor get-bundle`. Certificates are new with every zip. Names of files are
upstream's where it has the file. It must not know who may have it.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

import yaml

from pyrox.mtls.ca import CertificateAuthority, IssuedCertificate
from pyrox.mtls.identity import NAMESPACE, Subject, service_slug
from pyrox.pb.storage.cluster_pb2 import Cluster, ClusterType, CollectionMethod
from services.central.clusters import defaults

_CHART_KEYS = {
    "SENSOR_SERVICE": "sensor",
    "COLLECTOR_SERVICE": "collector",
    "ADMISSION_CONTROL_SERVICE": "admissionControl",
}
# Upstream calls the file after the webhook's old name.
_MANIFESTS = {
    "SENSOR_SERVICE": "sensor-secret.yaml",
    "COLLECTOR_SERVICE": "collector-secret.yaml",
    "ADMISSION_CONTROL_SERVICE": "admission-controller-secret.yaml",
}
_RELEASE = "stackrox-secured-cluster-services"
# What the wire calls these images when nobody chose others; the chart knows its own.
_OWN_IMAGES = frozenset({"", defaults.MAIN_IMAGE, defaults.COLLECTOR_IMAGE})
_TAGGED = re.compile(r"(@sha256:[0-9a-f]{64}|:[\w][\w.-]*)$", re.ASCII)
_README = """\
Files that install PyRox in the cluster "{name}". Nothing else is needed but the programs
kubectl and helm, and access to the cluster as its administrator.

With helm alone:

    helm install -n {namespace} --create-namespace {release} ./chart -f values.yaml -f secrets.yaml

With the certificates applied by kubectl, so that no private key is stored in Helm's release:

    ./sensor.sh

Without a Helm release at all:

    kubectl create namespace {namespace}
    helm template -n {namespace} {release} ./chart -f values.yaml -f secrets.yaml \\
      --no-hooks | kubectl apply -n {namespace} -f -

secrets.yaml, the files *-secret.yaml and *-key.pem hold private keys: keep them as you keep
other credentials.
"""
_SCRIPT = """\
#!/bin/sh
# Install the secured cluster services: certificates by kubectl, everything else by helm.
# KUBE_COMMAND names another kubectl, such as oc; words after the script's name go to helm.
set -eu

cd "$(dirname "$0")"
KUBE_COMMAND="${{KUBE_COMMAND:-kubectl}}"

command -v helm >/dev/null || {{
  echo "helm is not on PATH: install it, then run this script again" >&2
  exit 1
}}
"$KUBE_COMMAND" get namespace {namespace} >/dev/null 2>&1 || "$KUBE_COMMAND" create namespace {namespace}
for file in {manifests}; do
  "$KUBE_COMMAND" apply -n {namespace} -f "$file"
done
helm upgrade --install -n {namespace} {release} ./chart -f values.yaml --set-file ca.cert=ca.pem "$@"
"""


def bundle(ca: CertificateAuthority, cluster: Cluster, chart: Mapping[str, bytes]) -> bytes:
    """The zip of one cluster; `chart` is the chart of the secured cluster services, by path."""
    issued = {service: ca.issue(Subject(service, cluster.id)) for service in _CHART_KEYS}
    files: dict[str, str | bytes] = {"ca.pem": ca.cert_pem}
    for service, one in issued.items():
        slug = service_slug(service)
        files[f"{slug}-cert.pem"], files[f"{slug}-key.pem"] = one.cert_pem, one.key_pem
        files[_MANIFESTS[service]] = _manifest(ca, slug, one)
    files["values.yaml"] = yaml.safe_dump(dict(values(cluster)), sort_keys=True)
    files["secrets.yaml"] = _dumped(_secret_values(ca, issued))
    words = {"namespace": NAMESPACE, "release": _RELEASE}
    files["README"] = _README.format(name=cluster.name, **words)
    files["sensor.sh"] = _SCRIPT.format(manifests=" ".join(_MANIFESTS.values()), **words)
    return _zip({**files, **{f"chart/{name}": content for name, content in chart.items()}})


def values(cluster: Cluster) -> Mapping[str, object]:
    """The chart's values that describe the cluster."""
    admission = cluster.dynamic_config.admission_controller_config
    openshift = cluster.type == ClusterType.OPENSHIFT4_CLUSTER
    return {
        "clusterName": cluster.name,
        "clusterLabels": dict(cluster.labels),
        "centralEndpoint": cluster.central_api_endpoint,
        "helmManaged": False,
        "image": _images(cluster),
        "registryOverride": cluster.dynamic_config.registry_override,
        "env": {"openshift": 4 if openshift else False},
        "admissionControl": {
            "enforce": admission.enabled,
            "failurePolicy": "Fail" if cluster.admission_controller_fail_on_error else "Ignore",
            "dynamic": {"disableBypass": admission.disable_bypass},
        },
        "collector": {
            "collectionMethod": _collection(cluster),
            "disableTaintTolerations": cluster.tolerations_config.disabled,
        },
        # The chart refuses the audit log where there is none to read.
        "auditLogs": {"disableCollection": cluster.dynamic_config.disable_audit_logs or not openshift},
        "autoLockProcessBaselines": {
            "enabled": cluster.dynamic_config.auto_lock_process_baselines_config.enabled
        },
    }


def _images(cluster: Cluster) -> dict[str, object]:
    """Only images that somebody chose: the others are the chart's own, with its tag."""
    chosen = {"main": cluster.main_image, "collector": cluster.collector_image}
    return {key: _image(name) for key, name in chosen.items() if name not in _OWN_IMAGES}


def _image(name: str) -> dict[str, str]:
    """A repository takes the chart's tag, as upstream's Central appends its own; a full name stays."""
    registry, _, last = name.rpartition("/")
    if _TAGGED.search(last):
        return {"fullRef": name}
    return {"registry": registry, "name": last} if registry else {"name": last}


def _collection(cluster: Cluster) -> str:
    method = cluster.collection_method or CollectionMethod.CORE_BPF
    return CollectionMethod.Name(method)


def _secret_values(ca: CertificateAuthority, issued: Mapping[str, IssuedCertificate]) -> Mapping[str, object]:
    """The chart's values that hold the certificates."""
    made: dict[str, object] = {"ca": {"cert": ca.cert_pem.decode()}}
    for service, one in issued.items():
        pair = {"cert": one.cert_pem.decode(), "key": one.key_pem.decode()}
        made[_CHART_KEYS[service]] = {"serviceTLS": pair}
    return made


def _manifest(ca: CertificateAuthority, slug: str, one: IssuedCertificate) -> str:
    """The Secret that the service's pods mount."""
    labels = {
        "app.kubernetes.io/name": "stackrox",
        "app.kubernetes.io/component": slug,
        "app.kubernetes.io/part-of": _RELEASE,
        # Sensor's upgrader refuses objects without this label.
        "auto-upgrade.stackrox.io/component": "sensor",
        "rhacs.redhat.com/tls": "true",
    }
    data = {
        "ca.pem": ca.cert_pem.decode(),
        f"{slug}-cert.pem": one.cert_pem.decode(),
        f"{slug}-key.pem": one.key_pem.decode(),
    }
    return _dumped(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{slug}-tls", "namespace": NAMESPACE, "labels": labels},
            "type": "Opaque",
            "stringData": data,
        }
    )


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, so that certificates can be read."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _dumped(document: Mapping[str, object]) -> str:
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False)


def _zip(files: Mapping[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = _mode(name) << 16
            archive.writestr(info, content)
    return made.getvalue()


def _mode(name: str) -> int:
    """Scripts can be run; what holds a key is the owner's alone."""
    if name.startswith("chart/"):
        return 0o644
    if name.endswith(".sh"):
        return 0o755
    return 0o600 if name.endswith(("-key.pem", "-secret.yaml")) or name == "secrets.yaml" else 0o644
