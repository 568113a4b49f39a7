"""roxctl's commands against a Central of test servicers: requests sent, results, exit codes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from pyrox.errors import AlreadyExists, Internal, Invalid
from pyrox.pb.api.v1 import cluster_init_service_pb2 as init_pb2
from pyrox.pb.api.v1 import cluster_service_pb2, detection_service_pb2, empty_pb2
from pyrox.pb.storage import alert_pb2, cve_pb2, policy_pb2
from tests.support.cli import Run, roxctl, settings_for, written
from tests.support.fake_central import FakeCentral, running
from tests.support.recorded_central import Recorded, scanned_image

CLUSTER = "6c7a0a4e-3d0c-4e22-9f0f-5a8a2f6b1d11"


class Site:
    def __init__(self, directory: Path) -> None:
        self.recorded = Recorded()
        self.http: list[tuple[str, dict[str, str], bytes]] = []
        self.http_answers: list[tuple[int, dict[str, str], bytes]] = []
        self.central: FakeCentral = self.recorded.central(directory, app=self.app)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        self.http.append((f"{scope['method']} {scope['path']}", headers, body))
        status, extra, content = self.http_answers.pop(0)
        raw = [(key.encode(), value.encode()) for key, value in extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    def run(self, *arguments: str, answers: str = "", **more: str) -> Run:
        return roxctl(*arguments, environment=settings_for(self.central, **more), answers=answers)

    def answers(self, **given: Any) -> None:
        self.recorded.requests.clear()
        self.recorded.answers.update(given)


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("central"))
    with running(made.central):
        yield made


@pytest.fixture
def site(shared_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.chdir(tmp_path)
    shared_site.recorded.requests.clear()
    shared_site.recorded.image = scanned_image()
    shared_site.http.clear()
    shared_site.http_answers.clear()
    return shared_site


def violation(
    policy: str, severity: int, *messages: str, action: int = 0, deployment: str = ""
) -> alert_pb2.Alert:
    alert = alert_pb2.Alert()
    alert.policy.id = alert.policy.name = policy
    alert.policy.severity = severity  # type: ignore[assignment]
    alert.policy.description, alert.policy.remediation = "what it is", f"mend {policy}"
    if action:
        alert.policy.enforcement_actions.append(action)  # type: ignore[arg-type]
    for message in messages:
        alert.violations.add(message=message)
    if deployment:
        alert.deployment.id = alert.deployment.name = deployment
        alert.deployment.type = "Deployment"
    else:
        alert.image.name.full_name = "docker.io/library/nginx:1"
    return alert


BUILD = policy_pb2.FAIL_BUILD_ENFORCEMENT
SCALE = policy_pb2.SCALE_TO_ZERO_ENFORCEMENT


@pytest.fixture
def two_violations(site: Site) -> Site:
    alerts = [violation("warns", 1, "a"), violation("breaks", 4, "b", "c", action=BUILD)]
    site.answers(build=detection_service_pb2.BuildDetectionResponse(alerts=alerts))
    return site


def test_image_check_table(two_violations: Site) -> None:
    done = two_violations.run("image", "check", "-i", "nginx:1")
    assert done.code == 1
    assert done.out == (
        "Policy check results for image: nginx:1\n"
        "(TOTAL: 2, LOW: 1, MEDIUM: 0, HIGH: 0, CRITICAL: 1)\n\n"
        "+--------+----------+--------------+-------------+-----------+-------------+\n"
        "| POLICY | SEVERITY | BREAKS BUILD | DESCRIPTION | VIOLATION | REMEDIATION |\n"
        "+--------+----------+--------------+-------------+-----------+-------------+\n"
        "| breaks | CRITICAL |      X       | what it is  |    - b    | mend breaks |\n"
        "|        |          |              |             |    - c    |             |\n"
        "+--------+----------+--------------+-------------+-----------+-------------+\n"
        "| warns  |   LOW    |      -       | what it is  |    - a    | mend warns  |\n"
        "+--------+----------+--------------+-------------+-----------+-------------+\n"
    )
    failed = "failed policies found: 1 policies violated that are failing the check"
    assert done.err == (
        "WARN:\tA total of 2 policies have been violated\n"
        f"ERROR:\t{failed}\n"
        'ERROR:\tPolicy "breaks" - Possible remediation: "mend breaks"\n'
        f"ERROR:\tchecking image failed: {failed}\n"
    )
    assert done.waits == []


def test_image_check_request_is_upstreams(two_violations: Site) -> None:
    digest = "sha256:" + "a" * 64
    two_violations.run(
        "image", "check", "--image", f"quay.io/a/b:1@{digest}", "-f", "--send-notifications", "-c", "x,y",
        "--cluster", "c", "--namespace", "n",
    )  # fmt: skip
    [request] = two_violations.recorded.requests
    expected = detection_service_pb2.BuildDetectionRequest(
        send_notifications=True, policy_categories=["x", "y"], force=True, cluster="c", namespace="n"
    )
    expected.image.id = digest
    expected.image.name.registry, expected.image.name.remote = "quay.io", "a/b"
    expected.image.name.tag, expected.image.name.full_name = "1", f"quay.io/a/b:1@{digest}"
    assert request == expected


def test_image_check_json(two_violations: Site) -> None:
    done = two_violations.run("image", "check", "-i", "nginx:1", "-o", "json")
    [result] = json.loads(done.out)["results"]
    assert result["metadata"]["additionalInfo"] == {"name": "docker.io/library/nginx:1", "type": "image"}
    assert [policy["failingCheck"] for policy in result["violatedPolicies"]] == [True, False]
    assert done.err.startswith("ERROR:\tchecking image failed: ")


def test_image_check_junit(two_violations: Site) -> None:
    done = two_violations.run("image", "check", "-i", "nginx:1", "-o", "junit", "--junit-suite-name", "mine")
    suite = ET.fromstring(done.out)  # noqa: S314 - our own text
    assert suite.attrib == {"name": "mine", "tests": "2", "failures": "1", "skipped": "1", "errors": "0"}
    assert suite.findtext("testcase/failure") == "- b\n- c"


def test_image_check_sarif_and_csv(two_violations: Site) -> None:
    sarif = json.loads(two_violations.run("image", "check", "-i", "nginx:1", "-o", "sarif").out)
    assert [result["level"] for result in sarif["runs"][0]["results"]] == ["error", "note"]
    csv = two_violations.run(
        "image", "check", "-i", "nginx:1", "-o", "csv", "--headers", "POLICY,VIOLATION"
    ).out
    assert csv == 'POLICY,VIOLATION\nbreaks,"- b\n- c"\nwarns,- a\n'


@pytest.mark.parametrize(
    ("flags", "code"), [(["--json"], 1), (["--json", "--json-fail-on-policy-violations=false"], 0)]
)
def test_image_check_old_json(two_violations: Site, flags: list[str], code: int) -> None:
    done = two_violations.run("image", "check", "-i", "nginx:1", *flags)
    assert done.code == code
    assert len(json.loads(done.out)["alerts"]) == 2
    assert "Flag --json has been deprecated" in done.err


def test_image_check_only_warnings_exits_0(site: Site) -> None:
    site.answers(build=detection_service_pb2.BuildDetectionResponse(alerts=[violation("warns", 2, "a")]))
    done = site.run("image", "check", "-i", "nginx:1")
    assert (done.code, done.err) == (0, "WARN:\tA total of 1 policies have been violated\n")


def test_image_check_nothing_found(site: Site) -> None:
    site.answers(build=detection_service_pb2.BuildDetectionResponse())
    done = site.run("image", "check", "-i", "nginx:1", "-o", "json")
    assert done.code == 0
    assert json.loads(done.out) == {"summary": {"CRITICAL": 0, "HIGH": 0, "LOW": 0, "MEDIUM": 0, "TOTAL": 0}}


def test_image_check_retries_and_tells(site: Site) -> None:
    site.answers(build=[Internal("scanner away")] * 4)
    done = site.run("image", "check", "-i", "nginx:1")
    cause = (
        "retrieving alerts: could not check build-time alerts: rpc error: code = Internal desc = scanner away"
    )
    assert done.err == (
        f"ERROR:\tChecking image failed: {cause}. Retrying after 3 seconds...\n" * 3
        + f"ERROR:\tchecking image failed after 3 retries: {cause}\n"
    )
    assert done.waits == [3, 3, 3]


def test_image_check_does_not_retry_what_is_invalid(site: Site) -> None:
    site.answers(build=Invalid.of("force"))
    done = site.run("image", "check", "-i", "nginx:1")
    assert (done.code, done.waits) == (1, [])
    assert done.err.startswith("ERROR:\tchecking image failed: retrieving alerts: ")


def test_image_check_bad_name(site: Site) -> None:
    assert site.run("image", "check", "-i", "BAD").err == (
        "ERROR:\tchecking image failed: could not parse image 'BAD': error parsing image name 'BAD': "
        "invalid reference format: repository name (library/BAD) must be lowercase\n"
    )


def test_image_scan_request_is_upstreams(site: Site) -> None:
    site.run("image", "scan", "-i", "nginx:1", "-o", "json", "-f", "-a", "--cluster", "c", "--namespace", "n")
    [request] = site.recorded.requests
    sent = (request.image_name, request.force, request.include_snoozed, request.cluster, request.namespace)
    assert sent == ("nginx:1", True, True, "c", "n")


def test_image_scan_merges_cells_of_one_component(site: Site) -> None:
    component = site.recorded.image.scan.components[1]
    component.vulns.add(cve="CVE-2099-0009", severity=cve_pb2.CRITICAL_VULNERABILITY_SEVERITY, cvss=9.8)
    flags = ("--headers", "COMPONENT,VERSION,CVE", "--severity", "critical,important")
    merged = site.run("image", "scan", "-i", "nginx:1", "-o", "table", *flags)
    assert merged.out.split("\n\n")[1] == (
        "+-----------+------------------+----------------+\n"
        "| COMPONENT |     VERSION      |      CVE       |\n"
        "+-----------+------------------+----------------+\n"
        "|  openssl  | 3.0.11-1~deb12u1 | CVE-2099-0009  |\n"
        "|           |                  +----------------+\n"
        "|           |                  | CVE-2099-0001  |\n"
        "+-----------+------------------+----------------+\n"
        "| requests  |      2.19.0      | CVE-2018-18074 |\n"
        "+-----------+------------------+----------------+\n"
    )
    apart = site.run("image", "scan", "-i", "nginx:1", "-o", "table", "--merge-output=false", *flags)
    assert apart.out.count("openssl") == 2


def test_image_scan_sarif(site: Site) -> None:
    sarif = json.loads(site.run("image", "scan", "-i", "nginx:1", "-o", "sarif").out)
    rules = sarif["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [
        "CVE-2099-0001_openssl_3.0.11-1~deb12u1",
        "CVE-2018-18074_requests_2.19.0",
        "CVE-2099-0002_libc6_2.36-9",
    ]


@pytest.mark.parametrize(("flags", "told"), [([], "WARN:\tFlag"), (["--format", "json"], "Flag")])
def test_image_scan_old_json(site: Site, flags: list[str], told: str) -> None:
    done = site.run("image", "scan", "-i", "nginx:1", "--fail", *flags)
    assert done.code == 0
    assert json.loads(done.out)["scan"]["components"][0]["name"] == "libc6"
    assert done.err.startswith(f"{told} --format has been deprecated")


@pytest.mark.parametrize("flags", [["--format", "csv"], ["-o", "legacy-csv"]])
def test_image_scan_old_csv(site: Site, flags: list[str]) -> None:
    layer = site.recorded.image.metadata.v1.layers.add(instruction="ADD", value="file:x in /")
    assert layer.instruction
    rows = site.run("image", "scan", "-i", "nginx:1", *flags).out.split("\r\n")
    assert rows[0] == "CVE,CVSS Score,Severity Rating,Summary,Component,Version,Fixed By,Layer Instruction"
    assert rows[1] == "CVE-2099-0001,0,Important,,openssl,3.0.11-1~deb12u1,3.0.15-1~deb12u1,ADD file:x in /"


def test_deployment_check_joins_files_and_breaks(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("---\na: 1\n---\n")
    (tmp_path / "b.yaml").write_text("b: 2")
    response = detection_service_pb2.DeployDetectionResponse(ignored_object_refs=["ns/x[v1, Kind=Foo]"])
    alerts = [
        violation("breaks", 3, "m", action=SCALE, deployment="web"),
        violation("w", 1, "n", deployment="api"),
    ]
    response.runs.add(name="r", alerts=alerts)
    site.answers(deploy=response)
    done = site.run("deployment", "check", "-f", "a.yaml", "--file", "b.yaml", "-r", "0")
    [request] = site.recorded.requests
    assert (request.yaml, request.namespace, request.force) == ("a: 1\n---\nb: 2\n", "default", False)
    assert done.code == 1
    assert done.out.startswith(
        "Policy check results for deployments: [api web]\n"
        "(TOTAL: 2, LOW: 1, MEDIUM: 0, HIGH: 1, CRITICAL: 0)\n\n"
    )
    failed = "failed policies found: 1 policies violated that are failing the check"
    assert done.err == (
        'INFO:\tIgnored object "ns/x[v1, Kind=Foo]" as its schema was not registered.\n'
        "WARN:\tA total of 2 policies have been violated\n"
        f"ERROR:\t{failed}\n"
        'ERROR:\tPolicy "breaks" within Deployment "web" - Possible remediation: "mend breaks"\n'
        f"ERROR:\tchecking deployment failed: breaking policies found: {failed}\n"
    )


def test_deployment_check_old_json_always_exits_0(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    response = detection_service_pb2.DeployDetectionResponse()
    response.runs.add(alerts=[violation("breaks", 3, "m", action=SCALE, deployment="web")])
    site.answers(deploy=response)
    done = site.run("deployment", "check", "-f", "a.yaml", "--json")
    assert done.code == 0
    assert len(json.loads(done.out)["alerts"]) == 1


def test_deployment_check_verbose_shows_remarks(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    response = detection_service_pb2.DeployDetectionResponse()
    response.remarks.add(name="web", permission_level="NONE", applied_network_policies=["p", "q"])
    site.answers(deploy=response)
    done = site.run("deployment", "check", "-f", "a.yaml", "-v", "--cluster", "c")
    assert done.code == 0
    assert done.out.endswith(
        "Additional remarks:\nDeployment: web, Permission Level: NONE, Applied Network Policies: p, q\n"
    )
    assert done.err.startswith("WARN:\tDeployments without a namespace in the spec will be enhanced")


def bundle_meta(**more: Any) -> init_pb2.InitBundleMeta:
    meta = init_pb2.InitBundleMeta(id="b1", name="lab", **more)
    meta.created_at.FromJsonString("2026-11-24T08:00:00Z")
    meta.expires_at.FromJsonString("2027-11-24T08:00:00Z")
    meta.created_by.id = "sso:admin"
    meta.created_by.attributes.add(key="username", value="admin")
    return meta


def test_init_bundle_is_generated_into_private_files(site: Site, tmp_path: Path) -> None:
    made = init_pb2.InitBundleGenResponse(
        meta=bundle_meta(), helm_values_bundle=b"helm", kubectl_bundle=b"secrets"
    )
    site.answers(generate=made)
    done = site.run(
        "central", "init-bundles", "generate", "lab", "--output", "h.yaml", "--output-secrets", "-"
    )
    assert (done.code, done.out, written(tmp_path)) == (0, "secrets", {"h.yaml": "helm"})
    assert (tmp_path / "h.yaml").stat().st_mode & 0o777 == 0o600
    assert "  Name:       lab\n" in done.err
    assert 'INFO:\tThe newly generated init bundle has been written to file "h.yaml".\n' in done.err


def test_init_bundle_does_not_overwrite_and_asks_for_nothing(site: Site, tmp_path: Path) -> None:
    (tmp_path / "h.yaml").write_text("precious")
    done = site.run("central", "init-bundles", "generate", "lab", "--output", "h.yaml")
    assert done.err == "ERROR:\topening output file for writing init bundle: open h.yaml: file exists\n"
    assert (written(tmp_path), site.recorded.requests) == ({"h.yaml": "precious"}, [])


def test_init_bundle_refused_leaves_no_file(site: Site, tmp_path: Path) -> None:
    site.answers(generate=AlreadyExists("taken"))
    done = site.run("central", "init-bundles", "generate", "lab", "--output", "h.yaml")
    assert done.err == ("ERROR:\tgenerating new init bundle: rpc error: code = AlreadyExists desc = taken\n")
    assert written(tmp_path) == {}


def test_init_bundles_are_listed(site: Site) -> None:
    site.answers(bundles=init_pb2.InitBundleMetasResponse(items=[bundle_meta()]))
    assert site.run("central", "init-bundles", "list").out == (
        "Name\tCreated at\t\tExpires at\t\tCreated By\tID\n"
        "====\t==========\t\t==========\t\t==========\t==\n"
        "lab\t2026-11-24T08:00:00Z\t2027-11-24T08:00:00Z\tadmin\t\tb1\n"
    )


@pytest.mark.parametrize(("typed", "revoked"), [("y\n", True), ("\n", False), ("", False)])
def test_init_bundle_in_use_is_revoked_after_a_question(site: Site, typed: str, revoked: bool) -> None:
    impacted = [init_pb2.InitBundleMeta.ImpactedCluster(id="c1", name="prod")]
    site.answers(
        bundles=init_pb2.InitBundleMetasResponse(items=[bundle_meta(impacted_clusters=impacted)]),
        revoke=init_pb2.InitBundleRevokeResponse(init_bundle_revoked_ids=["b1"]),
    )
    done = site.run("central", "init-bundles", "revoke", "lab", answers=typed)
    assert "Are you sure you want to revoke the init bundle(s)? [y/N] " in done.out
    assert done.code == 0
    requests = [
        request for request in site.recorded.requests if isinstance(request, init_pb2.InitBundleRevokeRequest)
    ]
    assert requests == (
        [init_pb2.InitBundleRevokeRequest(ids=["b1"], confirm_impacted_clusters_ids=["c1"])]
        if revoked
        else []
    )
    assert done.err == ('INFO:\tRevoked "b1"\nINFO:\tRevoked 1 init bundle(s)\n' if revoked else "")


def test_init_bundle_errors_do_not_change_the_exit_code(site: Site) -> None:
    failed = init_pb2.InitBundleRevokeResponse()
    failed.init_bundle_revocation_errors.add(id="b1", error="in use")
    site.answers(bundles=init_pb2.InitBundleMetasResponse(items=[bundle_meta()]), revoke=failed)
    done = site.run("central", "init-bundles", "revoke", "b1", "-f")
    assert done.code == 0
    assert done.err == 'ERROR:\tError revoking "b1": in use\nERROR:\tFailed. Revoked 0 of 1 init bundle(s)\n'


def test_init_bundle_unknown_is_refused(site: Site) -> None:
    site.answers(bundles=init_pb2.InitBundleMetasResponse())
    done = site.run("central", "init-bundles", "revoke", "zz")
    assert (done.code, done.err) == (1, "ERROR:\tcould not find init bundle(s) zz\n")


def test_ca_is_fetched(site: Site, tmp_path: Path) -> None:
    site.answers(ca=init_pb2.GetCAConfigResponse(helm_values_bundle=b"ca: x\n"))
    assert site.run("central", "init-bundles", "fetch-ca", "--output", "-").out == "ca: x\n"
    site.run("central", "init-bundles", "fetch-ca", "--output", "ca.yaml")
    assert written(tmp_path) == {"ca.yaml": "ca: x\n"}


def test_crs_with_limits_uses_the_extended_method(site: Site) -> None:
    site.answers(crs=init_pb2.CRSGenResponse(crs=b"kind: Secret\n"))
    done = site.run(
        "central", "crs", "generate", "lab", "-o", "-", "--valid-for", "1h", "--max-clusters", "2"
    )
    [request] = site.recorded.requests
    assert (done.code, done.out) == (0, "kind: Secret\n")
    assert (request.name, request.valid_for.seconds, request.max_registrations) == ("lab", 3600, 2)


def test_crs_is_revoked(site: Site) -> None:
    item = init_pb2.CRSMeta(id="r1", name="lab")
    site.answers(
        crss=init_pb2.CRSMetasResponse(items=[item]),
        revoke_crs=init_pb2.CRSRevokeResponse(revoked_ids=["r1"]),
    )
    assert site.run("central", "crs", "revoke", "lab").err == 'INFO:\tRevoked "r1"\nINFO:\tRevoked 1 CRS(s)\n'
    site.answers(crss=init_pb2.CRSMetasResponse())


def test_cluster_is_deleted_whatever_the_case(site: Site) -> None:
    site.answers(delete=empty_pb2.Empty())
    assert site.run("cluster", "delete", "--name", "LAB").code == 0
    assert site.recorded.requests[-1].id == CLUSTER


def archive(files: dict[str, str], mode: int = 0o755) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as bundle:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            bundle.writestr(entry, text)
    return made.getvalue()


ATTACHMENT = {"Content-Disposition": 'attachment; filename="sensor-lab.zip"'}


def test_sensor_bundle_is_unpacked(site: Site, tmp_path: Path) -> None:
    site.http_answers.append((200, ATTACHMENT, archive({"sensor.yaml": "a", "sub/sensor.sh": "b"})))
    done = site.run("sensor", "get-bundle", "lab", "--create-upgrader-sa=false")
    assert done.code == 0
    assert written(tmp_path) == {"sensor-lab/sensor.yaml": "a", "sensor-lab/sub/sensor.sh": "b"}
    assert (tmp_path / "sensor-lab/sub/sensor.sh").stat().st_mode & 0o777 == 0o755
    [(line, headers, body)] = site.http
    assert (line, json.loads(body)) == (
        "POST /api/extensions/clusters/zip", {"id": CLUSTER, "createUpgraderSA": False},
    )  # fmt: skip
    assert (headers["rh-roxctl-command"], headers["authorization"][:6]) == ("sensor get-bundle", "Basic ")
    assert done.err.endswith('INFO:\tSuccessfully wrote sensor folder "sensor-lab"\n')


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil"])
def test_sensor_bundle_that_leaves_its_folder_is_refused(site: Site, tmp_path: Path, name: str) -> None:
    site.http_answers.append((200, ATTACHMENT, archive({name: "x"})))
    done = site.run("sensor", "get-bundle", CLUSTER)
    assert done.code == 1
    assert "outside its folder" in done.err
    assert written(tmp_path) == {}


def test_sensor_bundle_bomb_is_refused(site: Site, tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("big", bytes(70 * 1024 * 1024))
    site.http_answers.append((200, ATTACHMENT, made.getvalue()))
    done = site.run("sensor", "get-bundle", CLUSTER)
    assert "larger than any sensor bundle" in done.err
    assert written(tmp_path) == {}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((200, {}, b"not a zip"), "could not read from zip"),
        (
            (403, {}, b"not authorized"),
            "expected status code 200, but received 403. Response Body: not authorized",
        ),
    ],
)
def test_sensor_bundle_bad_answer_is_told(
    site: Site, answer: tuple[int, dict[str, str], bytes], text: str
) -> None:
    site.http_answers.append(answer)
    done = site.run("sensor", "get-bundle", CLUSTER)
    assert done.code == 1
    assert "ERROR:\terror downloading sensor bundle: error getting cluster zip file: " in done.err
    assert text in done.err


def test_sensor_bundle_is_asked_for_again_while_central_is_busy(site: Site) -> None:
    site.http_answers += [(503, {}, b""), (429, {}, b""), (200, ATTACHMENT, archive({"a": "b"}))]
    done = site.run("sensor", "get-bundle", CLUSTER, "--output-dir", "out")
    assert (done.code, done.waits) == (0, [10, 20])


def test_sensor_generate_registers_and_unpacks(site: Site, tmp_path: Path) -> None:
    defaults = cluster_service_pb2.ClusterDefaultsResponse(main_image_repository="quay.io/main")
    answer = cluster_service_pb2.ClusterResponse()
    answer.cluster.id = CLUSTER
    site.answers(defaults=defaults, post=answer)
    site.http_answers.append((200, ATTACHMENT, archive({"a": "b"})))
    done = site.run("sensor", "generate", "k8s", "--name", "lab", "--admission-controller-enforcement=false")
    assert (done.code, written(tmp_path)) == (0, {"sensor-lab/a": "b"})
    cluster = site.recorded.requests[-1]
    assert (cluster.name, cluster.main_image, cluster.central_api_endpoint) == (
        "lab", "quay.io/main", "central.stackrox:443",
    )  # fmt: skip
    assert not cluster.dynamic_config.admission_controller_config.enabled


@pytest.mark.parametrize("go_on", [True, False])
def test_sensor_generate_of_known_cluster(site: Site, go_on: bool) -> None:
    site.answers(defaults=cluster_service_pb2.ClusterDefaultsResponse(), post=AlreadyExists("known"))
    site.http_answers.append((200, ATTACHMENT, archive({"a": "b"})))
    flags = ["--continue-if-exists"] if go_on else []
    done = site.run("sensor", "generate", "openshift", "--name", "lab", *flags)
    assert done.code == (0 if go_on else 1)
    if go_on:
        assert site.recorded.requests[-1].query == 'Cluster:"lab"'
    else:
        assert done.err == "ERROR:\terror creating cluster: rpc error: code = AlreadyExists desc = known\n"


@pytest.mark.parametrize("flags", [["--openshift-version", "5"], ["--disable-audit-logs", "perhaps"]])
def test_sensor_generate_openshift_refuses_what_cannot_be(site: Site, flags: list[str]) -> None:
    done = site.run("sensor", "generate", "openshift", "--name", "lab", *flags)
    assert (done.code, site.recorded.requests) == (1, [])
