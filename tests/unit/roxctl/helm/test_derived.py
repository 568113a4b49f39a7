"""Values read back from objects: what the chart was given comes out again, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from roxctl.helm import derived
from tests.support import charts

DEFAULTS = yaml.safe_load((charts.CENTRAL / "values.yaml").read_text())
GIVEN: dict[str, Any] = {
    "env": {"offlineMode": True},
    "additionalCAs": {"corporate": "a certificate"},
    "central": {
        "image": {"registry": "mirror.example/pyrox"},
        "telemetry": {"enabled": False},
        "config": {"maintenance": {"safeMode": True}},
        "endpointsConfig": {"endpoints": [{"listen": ":8448", "protocols": ["grpc"]}]},
        "resources": {"requests": {"cpu": "2"}},
        "nodeSelector": {"disk": "ssd"},
        "exposure": {
            "loadBalancer": {"enabled": True, "port": 8443, "ip": "192.0.2.7"},
            "nodePort": {"enabled": True, "port": 30443},
        },
        "declarativeConfiguration": {"mounts": {"configMaps": ["a"], "secrets": ["b"]}},
        "db": {
            "image": {"fullRef": "mirror.example/pg@sha256:" + "0" * 64},
            "persistence": {"persistentVolumeClaim": {"claimName": "mine", "size": "7Gi",
                                                      "storageClass": "fast"}},
        },
    },
    "scannerV4": {
        "indexer": {"tolerations": [{"operator": "Exists"}]},
        "db": {"persistence": {"none": True}},
    },
    "customize": {"labels": {"team": "a"}, "central": {"envVars": {"HTTP_PROXY": "http://proxy"}}},
}  # fmt: skip
SECRETS = {
    "ca": {"cert": "ca", "key": "ca key"},
    "licenseKey": "licence",
    "central": {
        "adminPassword": {"htpasswd": "admin:x"},
        "jwtSigner": {"key": "jwt"},
        "serviceTLS": {"cert": "c", "key": "k"},
        "defaultTLS": {"cert": "dc", "key": "dk"},
        "db": {"password": {"value": "p"}, "serviceTLS": {"cert": "dbc", "key": "dbk"}},
    },
}


def objects(tmp_path: Path, *values: dict[str, Any]) -> derived.Objects:
    """What the chart makes of these values."""
    words = ["template", charts.RELEASES[charts.CENTRAL], str(charts.CENTRAL), "-n", "stackrox"]
    for number, one in enumerate(values):
        file = tmp_path / f"{number}.yaml"
        file.write_text(yaml.safe_dump(one))
        words += ["-f", str(file)]
    return derived.Objects(yaml.safe_load_all(charts.run_helm(*words)))


@pytest.mark.needs("helm")
def test_defaults_give_no_values(tmp_path: Path) -> None:
    found = objects(tmp_path)
    assert derived.public(found, DEFAULTS) == {}
    assert derived.private(found) == {}


@pytest.mark.needs("helm")
def test_values_that_were_given_come_out_again(tmp_path: Path) -> None:
    found = derived.public(objects(tmp_path, GIVEN, SECRETS), DEFAULTS)
    # A label of all objects is a label of their pods too.
    assert found.pop("customize") == {**GIVEN["customize"], "podLabels": {"team": "a"}}
    assert found == {key: value for key, value in GIVEN.items() if key != "customize"}


@pytest.mark.needs("helm")
def test_secrets_that_were_given_come_out_again(tmp_path: Path) -> None:
    assert derived.private(objects(tmp_path, SECRETS)) == SECRETS


@pytest.mark.needs("helm")
def test_values_that_came_out_install_the_same(tmp_path: Path) -> None:
    first = objects(tmp_path, GIVEN, SECRETS)
    public, private = derived.public(first, DEFAULTS), derived.private(first)
    again = objects(tmp_path, public, private)
    assert (derived.public(again, DEFAULTS), derived.private(again)) == (public, private)


@pytest.mark.needs("helm")
@pytest.mark.parametrize(
    "given",
    [
        {"scannerV4": {"disable": True}},
        {"central": {"db": {"persistence": {"hostPath": "/data"}, "nodeSelector": {"a": "b"}}}},
    ],
)
def test_installs_of_other_shapes_are_recognised(tmp_path: Path, given: dict[str, Any]) -> None:
    assert derived.public(objects(tmp_path, given), DEFAULTS) == given


@pytest.mark.needs("helm")
def test_external_database_is_recognised(tmp_path: Path) -> None:
    given = {"central": {"db": {"external": True, "password": {"existingSecret": "db"},
                                "source": {"connectionString": "host=db.example user=x"}}}}  # fmt: skip
    database = derived.public(objects(tmp_path, given), DEFAULTS)["central"]["db"]
    assert database["external"] is True
    assert "host=db.example user=x" in database["source"]["connectionString"]


def test_route_and_private_class_are_recognised() -> None:
    route = {"kind": "Route", "metadata": {"name": "central"}, "spec": {"host": "acs.example"}}
    found = derived.public(derived.Objects([route]), DEFAULTS)
    assert found["central"]["exposure"] == {"route": {"enabled": True, "host": "acs.example"}}


@pytest.mark.parametrize(
    "one",
    [
        None,
        "text",
        [],
        {"kind": "Deployment"},
        {"kind": "Deployment", "metadata": "x"},
        {"kind": "Deployment", "metadata": {"name": "central"}, "spec": {"template": []}},
        {"kind": "Deployment", "metadata": {"name": "central"},
         "spec": {"template": {"spec": {"containers": ["x", {"env": "y", "image": 5}], "volumes": [1]}}}},
        {"kind": "ConfigMap", "metadata": {"name": "central-config"}, "data": {"central-config.yaml": "{"}},
        {"kind": "Secret", "metadata": {"name": "central-tls"}, "data": {"ca.pem": "%", "key.pem": "/w=="}},
        {"kind": "Service", "metadata": {"name": "central-loadbalancer"}, "spec": {"ports": "x"}},
    ],
)  # fmt: skip
def test_broken_objects_tell_nothing(one: object) -> None:
    found = derived.Objects([one])
    assert derived.public(found, DEFAULTS) == {"scannerV4": {"disable": True}}
    assert derived.private(found) == {}
