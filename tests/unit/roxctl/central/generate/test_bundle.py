"""`roxctl central generate`: which files come out of which words, and what is refused."""

from __future__ import annotations

import re
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyrox.clock import SystemClock
from pyrox.mtls.ca import CertificateAuthority
from pyrox.mtls.identity import CENTRAL
from tests.support import charts
from tests.support.cli import Run, roxctl

OUT = Path("central-bundle")
VALUES = ("--output-format", "helm-values")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority.create(clock=SystemClock())


def generate(*words: str, **environment: str) -> Run:
    return roxctl("central", "generate", *words, environment=environment)


def public() -> Any:
    return yaml.safe_load((OUT / "values-public.yaml").read_text())


def private() -> Any:
    return yaml.safe_load((OUT / "values-private.yaml").read_text())


def names(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def test_helm_values_are_four_files_and_a_password_that_is_not_told() -> None:
    run = generate("k8s", *VALUES, "pvc")
    assert (run.code, run.out) == (0, "")
    assert names(OUT) == {"README", "password", "values-public.yaml", "values-private.yaml"}
    password = (OUT / "password").read_text()
    assert re.fullmatch(r"[A-Za-z0-9]{25}\n", password)
    assert private() == {"central": {"adminPassword": {"value": password.strip()}}}
    assert password.strip() not in run.err
    assert run.err.startswith("INFO:\tGenerating deployment bundle...\nINFO:\tDone!\n")
    assert 'INFO:\tWrote central bundle to "central-bundle".\n' in run.err
    assert run.err.endswith((OUT / "README").read_text() + "\n")


def test_each_run_draws_another_password() -> None:
    for name in ("a", "b"):
        assert generate("k8s", *VALUES, "none", "--output-dir", name).code == 0
    assert Path("a/password").read_text() != Path("b/password").read_text()


def test_password_is_the_flags_and_never_the_environments() -> None:
    assert generate("k8s", *VALUES, "none", "-p", "mine", "--output-dir", "a").code == 0
    assert generate("k8s", *VALUES, "none", "--output-dir", "b", ROX_ADMIN_PASSWORD="other").code == 0
    assert Path("a/password").read_text() == "mine\n"
    assert Path("b/password").read_text() != "other\n"


def test_files_with_secrets_are_the_owners_alone() -> None:
    assert generate("k8s", *VALUES, "pvc").code == 0
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in OUT.iterdir()}
    assert modes == {"README": 0o644, "password": 0o600, "values-public.yaml": 0o644,
                     "values-private.yaml": 0o600}  # fmt: skip


def test_login_by_password_can_be_left_out() -> None:
    assert generate("--disable-admin-password", "k8s", *VALUES, "pvc").code == 0
    assert "password" not in names(OUT)
    assert public()["central"]["adminPassword"] == {"generate": False}
    assert private() == {}


@pytest.mark.parametrize(
    ("words", "persistence", "scanner"),
    [
        (("pvc",), {"persistentVolumeClaim": {"claimName": "central-db", "size": "100Gi"}}, None),
        (
            ("pvc", "--db-name", "mine", "--db-size", "7", "--db-storage-class=fast"),
            {"persistentVolumeClaim": {"claimName": "mine", "size": "7Gi", "storageClass": "fast"}},
            None,
        ),
        (("hostpath",), {"hostPath": "/var/lib/stackrox-central"}, {"none": True}),
        (("hostpath", "--db-hostpath", "/data"), {"hostPath": "/data"}, {"none": True}),
        (("none",), {"none": True}, {"none": True}),
    ],
)
def test_storage_decides_where_the_databases_lie(
    words: tuple[str, ...], persistence: object, scanner: object
) -> None:
    assert generate("k8s", *VALUES, *words).code == 0
    assert public()["central"]["db"]["persistence"] == persistence
    assert public().get("scannerV4", {}).get("db", {}).get("persistence") == scanner


def test_host_path_is_on_the_node_that_is_named() -> None:
    node = ("--db-node-selector-key", "kubernetes.io/hostname", "--db-node-selector-value", "n1")
    assert generate("k8s", *VALUES, "hostpath", *node).code == 0
    assert public()["central"]["db"]["nodeSelector"] == {"kubernetes.io/hostname": "n1"}


@pytest.mark.parametrize(
    "words",
    [
        ("--plaintext-endpoints", "8080", "k8s", "--offline", *VALUES, "pvc"),
        ("k8s", "--plaintext-endpoints", "8080", *VALUES, "pvc", "--offline"),
        ("k8s", "pvc", "--offline=true", "--plaintext-endpoints=8080", "--output-format=HELM_VALUES"),
    ],
)
def test_flags_stand_before_or_after_the_words(words: tuple[str, ...]) -> None:
    assert generate(*words).code == 0
    assert public()["env"] == {"openshift": False, "offlineMode": True}
    assert public()["customize"] == {"central": {"envVars": {"ROX_PLAINTEXT_ENDPOINTS": "8080"}}}


def test_every_flag_finds_its_value() -> None:
    run = generate(
        "openshift", *VALUES, "none", "--lb-type", "ROUTE", "--openshift-monitoring=false",
        "--enable-telemetry", "-i", "r/main:1", "--central-db-image", "r/db:1", "--scanner-v4-image", "r/s:1",
        "--scanner-v4-db-image", "r/sdb:1", "--declarative-config-config-maps", "a,b",
        "--declarative-config-config-maps", "c", "--declarative-config-secrets", "s",
    )  # fmt: skip
    assert run.code == 0, run.err
    assert public() == {
        "env": {"openshift": 4},
        "monitoring": {"openshift": {"enabled": False}},
        "central": {
            "telemetry": {"enabled": True},
            "image": {"fullRef": "r/main:1"},
            "exposure": {"route": {"enabled": True}},
            "declarativeConfiguration": {"mounts": {"configMaps": ["a", "b", "c"], "secrets": ["s"]}},
            "db": {"image": {"fullRef": "r/db:1"}, "persistence": {"none": True}},
        },
        "scannerV4": {
            "image": {"fullRef": "r/s:1"},
            "db": {"image": {"fullRef": "r/sdb:1"}, "persistence": {"none": True}},
        },
    }


@pytest.mark.parametrize(("word", "key"), [("lb", "loadBalancer"), ("np", "nodePort")])
def test_central_is_exposed_as_asked(word: str, key: str) -> None:
    assert generate("k8s", *VALUES, "pvc", "--lb-type", word).code == 0
    assert public()["central"]["exposure"] == {key: {"enabled": True}}


def test_flags_without_effect_are_taken_and_istio_is_told_of() -> None:
    run = generate(
        "--enable-pod-security-policies=false", "k8s", "--image-defaults", "opensource", *VALUES,
        "--istio-support", "1.5", "--scanner-image", "x", "--scanner-db-image", "y", "pvc",
    )  # fmt: skip
    assert run.code == 0
    assert "WARN:\t--istio-support has no effect" in run.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("k8s",), "storage type must be specified"),
        (("k8s", "disk"), 'unknown command "disk" for "roxctl central generate k8s"'),
        (
            ("k8s", "pvc", "--output-format", "zip"),
            'invalid argument "zip" for "--output-format" flag: "zip" is not a valid option',
        ),
        (
            ("k8s", "--lb-type", "route", "pvc"),
            'invalid argument "route" for "--lb-type" flag: invalid load balancer type: "route"',
        ),
        (("k8s", "hostpath", "--db-hostpath", ""), "Non-empty HostPath must be specified"),
        (
            ("k8s", "hostpath", "--db-node-selector-key", "x"),
            "Both node selector key and node selector value must be specified when using a hostpath",
        ),
        (("k8s", "pvc", "--db-size", "0"), "--db-size 0: give a number of Gi above 0"),
        (
            ("openshift", "pvc", "--openshift-version", "5"),
            "determining cluster type: invalid OpenShift version 5, supported values are '3' and '4'",
        ),
        (("openshift", "pvc", "--openshift-version", "3"), "the chart does not run on OpenShift 3"),
        (("k8s", "pvc", "--openshift-version", "4"), "unknown flag: --openshift-version"),
        (
            ("--disable-admin-password", "k8s", "pvc", "-p", "x"),
            "--password and --disable-admin-password contradict each other",
        ),
        (("k8s", "pvc", "-p", "ö" * 37), "--password is longer than 72 bytes"),
        (
            ("k8s", "pvc", "--default-tls-cert", "none.pem"),
            'invalid argument "none.pem" for "--default-tls-cert" flag: open none.pem: no such file',
        ),
        (("k8s", "pvc", "--backup-bundle", "none.zip"), 'could not read the backup bundle "none.zip"'),
        (
            ("k8s", "pvc", *VALUES, "--output-dir", "."),
            'directory "." already exists. Please specify and new path to ensure expected results',
        ),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(words: tuple[str, ...], told: str) -> None:
    run = generate(*words)
    assert run.code == 1
    assert told in run.err
    assert list(Path().iterdir()) == []


def test_manifests_without_helm_are_refused_with_a_way_out() -> None:
    run = generate("k8s", "pvc", PATH="")
    assert run.code == 1
    assert "needs the program helm, which is not on PATH" in run.err
    assert "--output-format helm" in run.err
    assert not OUT.exists()


def test_helm_format_brings_the_chart() -> None:
    run = generate("k8s", "--output-format", "helm", "pvc")
    assert run.code == 0
    found = names(OUT)
    assert {"chart/Chart.yaml", "chart/values.yaml", "chart/templates/00-bootstrap.yaml"} <= found
    assert not any(name.startswith("chart/ci/") for name in found)
    assert "stackrox-central-services ./chart \\\n" in (OUT / "README").read_text()


def backup(ca: CertificateAuthority, **files: bytes) -> None:
    made = {
        "keys/ca.pem": ca.cert_pem,
        "keys/ca-key.pem": ca.key_pem,
        "keys/jwt-key.pem": ca.issue(CENTRAL).key_pem,
        **{name.replace("__", "/"): content for name, content in files.items()},
    }
    with zipfile.ZipFile("backup.zip", "w") as archive:
        for name, content in made.items():
            if content:
                archive.writestr(name, content)


def helm_path() -> str:
    return str(Path(charts.helm() or "").parent)


@pytest.mark.needs("helm")
@pytest.mark.parametrize("kind", ["k8s", "openshift"])
def test_manifests_are_those_of_the_chart(kind: str, ca: CertificateAuthority) -> None:
    backup(ca, **{"central-db__password": b"secret"})
    words = ("none", "-p", "mine", "--backup-bundle", "backup.zip", "--lb-type", "lb")
    run = generate(kind, *words, PATH=helm_path())
    assert run.code == 0, run.err
    found = {name: [one for one in yaml.safe_load_all(text) if one] for name, text in manifests().items()}
    assert next(iter(found)) == "00-00-namespace.yaml"
    objects = {(one["kind"], one["metadata"]["name"]): one for made in found.values() for one in made}
    wanted = {("Namespace", "stackrox"), ("Deployment", "central"), ("Deployment", "central-db"),
              ("Job", "stackrox-bootstrap"), ("Service", "central-loadbalancer"),
              ("Secret", "central-tls"), ("Secret", "central-db-password")}  # fmt: skip
    assert wanted <= objects.keys()
    assert not any(kind == "Pod" for kind, _ in objects), "tests of the chart are no part of an install"
    values = Path(OUT, "helm/values-private.yaml")
    rendered = charts.run_helm("template", "stackrox-central-services", str(OUT / "helm/chart"), "-n",
                               "stackrox", "--skip-tests", "-f", str(values), "-f",
                               str(OUT / "helm/values-public.yaml"))  # fmt: skip
    assert len(objects) == 1 + sum(1 for one in yaml.safe_load_all(rendered) if one)


def manifests() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((OUT / "central").iterdir())}


@pytest.mark.needs("helm")
def test_manifests_with_secrets_are_the_owners_alone() -> None:
    assert generate("k8s", "pvc", "-p", "mine", PATH=helm_path()).code == 0
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (OUT / "central").iterdir()}
    private_files = {name for name, mode in modes.items() if mode == 0o600}
    assert private_files == {name for name, text in manifests().items() if "\nkind: Secret\n" in f"\n{text}"}
    assert "00-bootstrap.yaml" in private_files


@pytest.mark.needs("helm")
def test_what_helm_refuses_is_told(ca: CertificateAuthority) -> None:
    run = generate("k8s", "pvc", "--db-name", "Not A Name: {{", "-i", "", PATH=helm_path())
    assert run.code == 1
    assert "ERROR:\tcould not render files: " in run.err
    assert not OUT.exists()
