"""Where the central chart's secrets come from, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.charts import CENTRAL, Manifests, Render, schema_errors

pytestmark = pytest.mark.needs("helm")

ALL = [
    "central-db-password", "central-db-tls", "central-htpasswd", "central-tls", "scanner-v4-db-password",
    "scanner-v4-db-tls", "scanner-v4-indexer-tls", "scanner-v4-matcher-tls",
]  # fmt: skip
MANAGER = {"certManager": {"enabled": True, "issuerRef": {"name": "ca"}, "caSecretName": "ca-pair"}}


def bootstrapped(manifests: Manifests) -> list[str]:
    """The secrets that the Job is told to make."""
    job = manifests.find("Job", "stackrox-bootstrap")
    if job is None:
        return []
    words = job["spec"]["template"]["spec"]["containers"][0]["args"]
    return [word.removeprefix("--secret=") for word in words if word.startswith("--secret=")]


def secret_names(manifests: Manifests, workload: str) -> set[str]:
    """Names of all secrets that a Deployment mounts."""
    volumes = manifests.get("Deployment", workload)["spec"]["template"]["spec"]["volumes"]
    sources = [one.get("secret", {}).get("secretName") for one in volumes]
    parts = [
        part["secret"]["name"] for one in volumes for part in one.get("projected", {}).get("sources", [])
    ]
    return {name for name in (*sources, *parts) if name}


def test_job_makes_all_secrets_before_anything_else() -> None:
    made = Render(CENTRAL).manifests()
    annotations = made.get("Job", "stackrox-bootstrap")["metadata"]["annotations"]
    assert bootstrapped(made) == ALL
    assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"


def test_job_may_change_only_its_secrets() -> None:
    create, named = Render(CENTRAL).manifests().get("Role", "stackrox-bootstrap")["rules"]
    assert (create["resources"], create["verbs"]) == (["secrets"], ["create"])
    assert sorted(named["verbs"]) == ["get", "patch", "update"]
    assert named["resourceNames"] == ALL


@pytest.mark.parametrize(
    ("values", "left_out"),
    [
        ({"scannerV4": {"disable": True}}, {name for name in ALL if name.startswith("scanner")}),
        ({"central": {"adminPassword": {"existingSecret": "login"}}}, {"central-htpasswd"}),
        ({"central": {"adminPassword": {"generate": False}}}, {"central-htpasswd"}),
        ({"central": {"adminPassword": {"htpasswd": "admin:x"}}}, {"central-htpasswd"}),
        ({"central": {"serviceTLS": {"existingSecret": "mine"}}}, {"central-tls"}),
        ({"central": {"db": {"password": {"value": "p"}}}}, {"central-db-password"}),
        ({"scannerV4": {"db": {"password": {"existingSecret": "p"}}}}, {"scanner-v4-db-password"}),
        ({"scannerV4": {"indexer": {"serviceTLS": {"generate": False}}}}, {"scanner-v4-indexer-tls"}),
        ({"bootstrap": {"enabled": False}}, set(ALL)),
        (MANAGER, {name for name in ALL if name.endswith("-tls")}),
    ],
)
def test_job_leaves_out_what_comes_from_elsewhere(values: dict[str, Any], left_out: set[str]) -> None:
    assert bootstrapped(Render(CENTRAL, values).manifests()) == [name for name in ALL if name not in left_out]


def test_existing_secrets_are_mounted_and_hold_the_ca() -> None:
    values = {
        "central": {
            "serviceTLS": {"existingSecret": "my-ca"},
            "adminPassword": {"existingSecret": "my-login"},
            "db": {"password": {"existingSecret": "my-password"}, "serviceTLS": {"existingSecret": "my-db"}},
        }
    }
    made = Render(CENTRAL, values).manifests()
    assert {"my-ca", "my-login", "my-password"} <= secret_names(made, "central")
    assert {"my-db", "my-password"} <= secret_names(made, "central-db")
    job = made.get("Job", "stackrox-bootstrap")["spec"]["template"]["spec"]["containers"][0]
    assert "--ca-secret=my-ca" in job["args"]
    assert "my-ca" in made.get("Role", "stackrox-bootstrap")["rules"][1]["resourceNames"]


def test_cert_manager_makes_certificates_with_the_services_subjects() -> None:
    made = Render(CENTRAL, MANAGER).manifests()
    assert made.names("Certificate") == [
        "central-db-tls", "central-jwt", "central-tls", "scanner-v4-db-tls", "scanner-v4-indexer-tls",
        "scanner-v4-matcher-tls",
    ]  # fmt: skip
    spec = made.get("Certificate", "scanner-v4-matcher-tls")["spec"]
    assert spec["commonName"] == "SCANNER_V4_MATCHER_SERVICE: Scanner V4 Matcher"
    assert "scanner-v4-matcher.stackrox.svc" in spec["dnsNames"]
    assert {"central-tls", "central-jwt", "ca-pair"} <= secret_names(made, "central")


def test_external_secrets_are_asked_for_and_not_made() -> None:
    keys = {name: f"pyrox/{name}" for name in ALL}
    values = {"externalSecrets": {"enabled": True, "secretStoreRef": {"name": "vault"}, "secrets": keys}}
    made = Render(CENTRAL, values).manifests()
    assert made.names("ExternalSecret") == ALL
    assert made.get("ExternalSecret", "central-tls")["spec"]["dataFrom"] == [
        {"extract": {"key": "pyrox/central-tls"}}
    ]
    assert bootstrapped(made) == []


def test_values_of_the_user_become_secrets_that_are_kept() -> None:
    values = {
        "ca": {"cert": "ca", "key": "ca-key"},
        "central": {
            "serviceTLS": {"cert": "cert", "key": "key"},
            "jwtSigner": {"key": "jwt"},
            "db": {"password": {"value": "word"}},
        },
    }
    made = Render(CENTRAL, values).manifests()
    secret = made.get("Secret", "central-tls")
    assert set(secret["data"]) == {"ca.pem", "ca-key.pem", "cert.pem", "key.pem", "jwt-key.pem"}
    assert secret["metadata"]["labels"]["rhacs.redhat.com/tls"] == "true"
    assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert made.get("Secret", "central-db-password")["data"] == {"password": "d29yZA=="}
    assert "central-tls" not in bootstrapped(made)


def test_password_of_the_user_goes_to_the_job_alone() -> None:
    made = Render(CENTRAL, {"central": {"adminPassword": {"value": "letmein"}}}).manifests()
    assert made.names("Secret") == ["stackrox-bootstrap-input"]
    secret = made.get("Secret", "stackrox-bootstrap-input")
    assert "hook-succeeded" in secret["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
    words = made.get("Job", "stackrox-bootstrap")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--admin-password-file=/run/secrets/stackrox.io/bootstrap/admin-password" in words
    assert "letmein" not in made.text


def test_pull_secret_reaches_every_account_and_the_job() -> None:
    values = {"imagePullSecrets": {"username": "u", "password": "p", "useExisting": "one; two"}}
    made = Render(CENTRAL, values).manifests()
    named = {
        made["metadata"]["name"]: [one["name"] for one in made["imagePullSecrets"]]
        for made in made.of("ServiceAccount")
    }
    usual = ["stackrox", "one", "two"]
    assert named == {
        "central": usual,
        "central-db": usual,
        "config-controller": usual,
        "scanner-v4": usual,
        "stackrox-bootstrap": ["stackrox-bootstrap", "one", "two"],
    }


def test_notes_tell_commands_and_no_secret() -> None:
    values = {
        "central": {"adminPassword": {"htpasswd": "admin:secret-hash"}, "db": {"password": {"value": "word"}}}
    }
    notes = Render(CENTRAL, values).notes()
    assert "kubectl -n stackrox port-forward svc/central 18443:443" in notes
    assert "secret-hash" not in notes
    usual = Render(CENTRAL).notes()
    assert "get secret central-htpasswd" in usual


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"central": {"adminPassword": {"value": "a", "htpasswd": "b"}}}, "remove one"),
        ({"ca": {"cert": "c", "key": "k"}}, "Missing: central.jwtSigner.key, central.serviceTLS.cert"),
        ({"central": {"db": {"external": True}}}, "needs central.db.source.connectionString"),
        (
            {"central": {"db": {"external": True, "source": {"connectionString": "host=x"}}}},
            "needs the database's password",
        ),
        (
            {"central": {"db": {"source": {"connectionString": "host=x password=y"}}}},
            "must not hold a password",
        ),
        ({"certManager": {"enabled": True}}, "needs certManager.issuerRef.name"),
        ({"central": {"db": {"persistence": {"none": True, "hostPath": "/x"}}}}, "set one of none, hostPath"),
        ({"central": {"exposure": {"ingress": {"enabled": True}}}}, "needs central.exposure.ingress.host"),
        ({"central": {"endpointsConfig": "endpoints: [{listen: here}]"}}, "expected an address with a port"),
        ({"imagePullSecrets": {"username": "u"}}, "without imagePullSecrets.password"),
        (
            {
                "externalSecrets": {
                    "enabled": True,
                    "secretStoreRef": {"name": "s"},
                    "secrets": {"central-tls": "x"},
                }
            },
            "list central-db-tls there too",
        ),
    ],
)
def test_contradiction_is_refused_with_the_next_step(values: dict[str, Any], complaint: str) -> None:
    assert complaint in Render(CENTRAL, values).refusal()


def test_other_namespace_and_release_name_are_refused_unless_allowed() -> None:
    assert "allowNonstandardNamespace=true" in Render(CENTRAL, namespace="security").refusal()
    assert "allowNonstandardReleaseName=true" in Render(CENTRAL, release="central").refusal()
    values = {"allowNonstandardNamespace": True, "allowNonstandardReleaseName": True}
    assert Render(CENTRAL, values, namespace="security", release="central").refusal() == ""


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ({"centrl": {}}, 'did you mean "central"?'),
        ({"scannerv4": {}}, 'did you mean "scannerV4"?'),
        ({"central": {"exposre": {}}}, 'did you mean "exposure"?'),
        ({"central": {"db": {"persistance": {}}}}, 'did you mean "persistence"?'),
        ({"scannerV4": {"indexer": {"replica": 1}}}, 'did you mean "replicas"?'),
        ({"central": {"image": {"tagg": "1"}}}, 'did you mean "tag"?'),
        ({"image-pull-secrets": {}}, 'did you mean "imagePullSecrets"?'),
        ({"central": {"resources": {"limit": {}}}}, 'did you mean "limits"?'),
    ],
)
def test_misspelt_value_is_refused_with_the_nearest_key(values: dict[str, Any], hint: str) -> None:
    assert hint in Render(CENTRAL, values).refusal()


@pytest.mark.parametrize(
    "values",
    [{"zzz": 1}, {"central": {"zzz": 1}}, {"customize": {"central": {"zzz": {}}}}, {"meta": {"zzz": 1}}],
)
def test_unknown_value_is_refused_by_any_validator(values: dict[str, Any]) -> None:
    assert "zzz" in Render(CENTRAL, values).refusal()
    assert any("zzz" in error for error in schema_errors(CENTRAL, values))


@pytest.mark.parametrize(
    "values",
    [
        {"scanner": {"disable": False, "replicas": 2, "autoscaling": {"disable": True}}},
        {"system": {"enablePodSecurityPolicies": True}, "enableOpenShiftMonitoring": True},
        {"env": {"istio": True}, "central": {"persistence": {"hostPath": "/var/lib/stackrox"}}},
    ],
)
def test_values_of_parts_that_are_not_built_are_accepted_without_effect(values: dict[str, Any]) -> None:
    assert Render(CENTRAL, values).text() == Render(CENTRAL).text()
