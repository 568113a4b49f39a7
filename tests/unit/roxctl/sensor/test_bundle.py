"""`roxctl sensor`: what is asked for, and what is made of the zip that comes."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from pyrox.pb.api.v1 import cluster_service_pb2 as pb
from pyrox.pb.storage import cluster_pb2
from roxctl.errors import CallFailed
from roxctl.rest import HttpAnswer
from tests.support.cli import written
from tests.support.cli_wire import Wire

ID = "6c7a0a4e-3d0c-4e22-9f0f-5a8a2f6b1d11"
NAMED = {"content-disposition": 'attachment; filename="sensor-lab.zip"'}


def packed(*files: tuple[str, bytes], mode: int = 0o644) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


def answer(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> tuple[int, HttpAnswer]:
    return status, HttpAnswer(headers=NAMED if headers is None else headers, body=body)


SMALL = packed(("a.yaml", b"a: 1"), ("d/b.sh", b"#!"))


def get(wire: Wire, *flags: str, name: str = ID) -> Any:
    return wire.run("sensor", "get-bundle", name, *flags)


def test_bundle_of_an_id_is_asked_for_at_once(wire: Wire, tmp_path: Path) -> None:
    wire.http_answers = [answer(SMALL)]
    done = get(wire, name=ID.upper())
    assert (done.code, wire.calls) == (0, [])
    ((verb, path, body, headers),) = wire.http
    assert (verb, path, headers) == (
        "POST",
        "/api/extensions/clusters/zip",
        {"content-type": "application/json"},
    )
    assert json.loads(body) == {"id": ID, "createUpgraderSA": True}
    assert written(tmp_path) == {"sensor-lab/a.yaml": "a: 1", "sensor-lab/d/b.sh": "#!"}
    assert done.err.splitlines()[0].startswith(
        'Command "get-bundle" is deprecated, This command is deprecated'
    )
    assert done.err.endswith('INFO:\tSuccessfully wrote sensor folder "sensor-lab"\n')
    assert wire.http_headers[0]["rh-roxctl-command"] == "sensor get-bundle"


def test_bundle_flags_are_sent(wire: Wire) -> None:
    wire.http_answers = [answer(SMALL)]
    get(
        wire,
        "--create-upgrader-sa=false",
        "--istio-support",
        "1.5",
        "--slim-collector",
        "--output-dir",
        "out",
    )
    assert json.loads(wire.http[0][2]) == {
        "id": ID, "createUpgraderSA": False, "slimCollector": True, "istioVersion": "1.5",
    }  # fmt: skip
    assert Path("out/a.yaml").is_file()


def test_bundle_of_a_name_needs_the_exact_name(wire: Wire) -> None:
    clusters = [cluster_pb2.Cluster(id="x", name="lab2"), cluster_pb2.Cluster(id=ID, name="lab")]
    wire.answer("GetClusters", pb.ClustersList(clusters=clusters))
    wire.http_answers = [answer(SMALL)]
    assert get(wire, name="lab").code == 0
    assert wire.asked("GetClusters", pb.GetClustersRequest) == [pb.GetClustersRequest(query="Cluster:lab")]
    assert json.loads(wire.http[0][2])["id"] == ID
    done = get(wire, name="LAB")
    assert done.err.endswith(
        'ERROR:\terror downloading sensor bundle: error resolving cluster ID for "LAB": '
        'no cluster with name "LAB" found\n'
    )


def test_bundle_without_a_file_name_is_called_sensor(wire: Wire) -> None:
    for disposition in ({}, {"content-disposition": "attachment"}, {"content-disposition": 'filename=".."'}):
        wire.http_answers = [
            answer(packed((f"{len(disposition)}{len(str(disposition))}", b"")), headers=disposition)
        ]
        done = get(wire)
        assert done.code == 0
        assert "WARN:\tcould not obtain output file name from HTTP response" in done.err
        assert 'INFO:\tDefaulting to filename "sensor.zip"\n' in done.err
        assert done.err.endswith('Successfully wrote sensor folder "sensor"\n')


@pytest.mark.parametrize("disposition", ['filename="../../evil.zip"', "filename=/etc/evil.zip"])
def test_bundles_name_leads_nowhere_else(wire: Wire, tmp_path: Path, disposition: str) -> None:
    wire.http_answers = [answer(SMALL, headers={"content-disposition": disposition})]
    assert get(wire).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["evil"]


@pytest.mark.parametrize("mode", [0o755, 0o600, 0o4755])
def test_files_have_their_modes_without_special_bits(wire: Wire, mode: int) -> None:
    wire.http_answers = [answer(packed(("x", b""), mode=mode))]
    get(wire)
    assert stat.S_IMODE(Path("sensor-lab/x").stat().st_mode) == mode & 0o755


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<html>", "could not read from zip: File is not a zip file"),
        (SMALL[:-30], "could not read from zip: "),
        (packed(("../x", b"")), 'the bundle names the file "../x", outside its folder'),
        (packed(("/x", b"")), 'the bundle names the file "/x", outside its folder'),
        (packed(*((f"f{n}", b"") for n in range(1001))), "larger than any sensor bundle"),
        (packed(("big", bytes(65 << 20))), "larger than any sensor bundle"),
        (packed(("a", b""), ("a/b", b"")), "Unable to create output file"),
    ],
    ids=["html", "cut", "up", "root", "many", "bomb", "file as folder"],
)
def test_bundle_that_is_none_is_told(wire: Wire, tmp_path: Path, body: bytes, text: str) -> None:
    wire.http_answers = [answer(body)]
    done = get(wire)
    assert done.code == 1
    assert "ERROR:\terror downloading sensor bundle: error getting cluster zip file: " in done.err
    assert text in done.err
    assert not (tmp_path.parent / "x").exists()


def test_bundle_with_any_damaged_byte_is_told(wire: Wire) -> None:
    raw = packed(("a.yaml", bytes(range(256)) * 20))
    for number, at in enumerate(range(36, 70)):
        changed = bytearray(raw)
        changed[at] ^= 0xFF
        wire.http_answers = [answer(bytes(changed))]
        done = get(wire, "--output-dir", f"out{number}")
        assert (done.code, "could not read from zip: " in done.err) == (1, True)


def test_file_that_exists_is_not_overwritten(wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "sensor-lab").mkdir()
    (tmp_path / "sensor-lab" / "a.yaml").write_text("mine")
    wire.http_answers = [answer(SMALL)]
    done = get(wire)
    assert done.err.endswith(
        'Unable to create output file "sensor-lab/a.yaml": open sensor-lab/a.yaml: file exists\n'
    )
    assert (tmp_path / "sensor-lab" / "a.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("answers", "environment", "waits", "end"),
    [
        ([answer(b"", 503), answer(SMALL)], {}, [10], ""),
        ([answer(b"", 429), httpx.ConnectError("refused"), answer(SMALL)], {}, [10, 20], ""),
        ([answer(b"{}", 501)], {}, [], "expected status code 200, but received 501. Response Body: {}\n"),
        ([answer(b" no \n", 403)], {}, [], "expected status code 200, but received 403. Response Body: no\n"),
        ([answer(b"x", 500)] * 4, {}, [10, 20, 40], "but received 500. Response Body: x\n"),
        ([answer(b"x", 500)], {"ROX_CLIENT_MAX_RETRIES": "0"}, [], "received 500. Response Body: x\n"),
        (
            [httpx.ReadTimeout("")] * 2, {"ROX_CLIENT_MAX_RETRIES": "1"}, [10],
            "POST https://localhost:8443/api/extensions/clusters/zip: ReadTimeout\n",
        ),
    ],
)  # fmt: skip
def test_http_is_tried_again_as_upstream_does(
    wire: Wire, answers: list[Any], environment: dict[str, str], waits: list[int], end: str
) -> None:
    wire.http_answers = list(answers)
    done = wire.run("sensor", "get-bundle", ID, **environment)
    assert (done.code, done.waits, wire.http_answers) == (1 if end else 0, waits, [])
    assert done.err.endswith(end)


@pytest.mark.parametrize("value", ["-1", "many", "101", "1.5"])
def test_retries_that_are_no_number_are_refused(wire: Wire, value: str) -> None:
    done = wire.run("sensor", "get-bundle", ID, ROX_CLIENT_MAX_RETRIES=value)
    assert f"ROX_CLIENT_MAX_RETRIES='{value}': give a number up to 100: invalid arguments" in done.err
    assert (done.code, wire.http) == (1, [])


@pytest.mark.parametrize("names", [[], ["a", "b"]])
def test_get_bundle_takes_one_name(wire: Wire, names: list[str]) -> None:
    done = wire.run("sensor", "get-bundle", *names)
    assert done.err.endswith(f"ERROR:\taccepts 1 arg(s), received {len(names)}\n")


@pytest.fixture
def central(wire: Wire) -> Wire:
    wire.answer("GetClusterDefaultValues", pb.ClusterDefaultsResponse(main_image_repository="quay.io/main"))
    wire.answer("PostCluster", pb.ClusterResponse(cluster=cluster_pb2.Cluster(id=ID)))
    wire.http_answers = [answer(SMALL)]
    return wire


def test_generate_registers_with_upstreams_defaults(central: Wire) -> None:
    assert central.run("sensor", "generate", "k8s", "--name", "lab").code == 0
    (cluster,) = central.asked("PostCluster", cluster_pb2.Cluster)
    assert (cluster.name, cluster.type, cluster.main_image) == (
        "lab",
        cluster_pb2.KUBERNETES_CLUSTER,
        "quay.io/main",
    )
    assert (cluster.central_api_endpoint, cluster.collection_method) == ("central.stackrox:443", 0)
    assert cluster.admission_controller
    assert cluster.admission_controller_updates
    assert cluster.admission_controller_events
    config = cluster.dynamic_config.admission_controller_config
    assert (config.enabled, config.enforce_on_updates, config.scan_inline, config.disable_bypass) == (
        True, True, True, False,
    )  # fmt: skip
    assert cluster.dynamic_config.disable_audit_logs
    assert json.loads(central.http[0][2]) == {
        "id": ID, "createUpgraderSA": True, "disablePodSecurityPolicies": True,
    }  # fmt: skip


def test_generate_flags_are_sent(central: Wire) -> None:
    done = central.run(
        "sensor", "generate", "openshift", "--name", "lab", "--central", "c:1",
        "--main-image-repository", "m",
        "--collector-image-repository", "k", "--collection-method", "CORE_BPF", "--disable-tolerations",
        "--enable-pod-security-policies", "--admission-controller-enforcement=false",
        "--istio-support", "1.5",
        "--admission-controller-disable-bypass", "--admission-controller-fail-on-error",
        "--auto-lock-process-baselines", "--create-upgrader-sa=false",
    )  # fmt: skip
    assert done.code == 0
    (cluster,) = central.asked("PostCluster", cluster_pb2.Cluster)
    assert (cluster.main_image, cluster.collector_image, cluster.central_api_endpoint) == ("m", "k", "c:1")
    assert cluster.collection_method == cluster_pb2.CORE_BPF
    assert cluster.tolerations_config.disabled
    assert cluster.admission_controller_fail_on_error
    config = cluster.dynamic_config.admission_controller_config
    assert (config.enabled, config.enforce_on_updates, config.disable_bypass) == (False, False, True)
    assert cluster.dynamic_config.auto_lock_process_baselines_config.enabled
    assert json.loads(central.http[0][2]) == {
        "id": ID, "createUpgraderSA": False, "disablePodSecurityPolicies": False, "istioVersion": "1.5",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "kind", "disabled"),
    [
        ([], cluster_pb2.OPENSHIFT4_CLUSTER, False),
        (["--openshift-version", "3"], cluster_pb2.OPENSHIFT_CLUSTER, True),
        (["--openshift-version", "3", "--disable-audit-logs", "false"], cluster_pb2.OPENSHIFT_CLUSTER, False),
        (["--disable-audit-logs", "true"], cluster_pb2.OPENSHIFT4_CLUSTER, True),
    ],
)
def test_generate_openshift_decides_on_the_audit_log(
    central: Wire, flags: list[str], kind: int, *, disabled: bool
) -> None:
    assert central.run("sensor", "generate", "openshift", "--name", "lab", *flags).code == 0
    (cluster,) = central.asked("PostCluster", cluster_pb2.Cluster)
    assert (cluster.type, cluster.dynamic_config.disable_audit_logs) == (kind, disabled)


EXISTS = CallFailed("AlreadyExists", "the cluster exists")


def test_generate_goes_on_with_a_known_cluster_when_told_so(central: Wire) -> None:
    central.answer("PostCluster", EXISTS)
    central.answer("GetClusters", pb.ClustersList(clusters=[cluster_pb2.Cluster(id=ID, name="LAB")]))
    assert central.run("sensor", "generate", "k8s", "--name", "lab", "--continue-if-exists").code == 0
    assert central.asked("GetClusters", pb.GetClustersRequest)[0].query == 'Cluster:"lab"'
    assert json.loads(central.http[0][2])["id"] == ID


@pytest.mark.parametrize(
    ("posted", "listed", "flags", "text"),
    [
        (EXISTS, None, [], f"error creating cluster: {EXISTS}"),
        (CallFailed("Internal", "x"), None, ["--continue-if-exists"], "error creating cluster: rpc error"),
        (EXISTS, CallFailed("Internal", "x"), ["--continue-if-exists"], "error getting clusters: rpc error"),
        (
            EXISTS,
            pb.ClustersList(),
            ["--continue-if-exists"],
            'error finding preexisting cluster with name "lab"',
        ),
    ],
)
def test_generate_that_fails_downloads_nothing(
    central: Wire, posted: CallFailed, listed: Any, flags: list[str], text: str
) -> None:
    central.answer("PostCluster", posted)
    if listed is not None:
        central.answer("GetClusters", listed)
    done = central.run("sensor", "generate", "k8s", "--name", "lab", *flags)
    assert (done.code, central.http) == (1, [])
    assert done.err.startswith(f"ERROR:\t{text}")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["k8s"], 'required flag(s) "name" not set'),
        (
            ["k8s", "--name", "x", "--collection-method", "magic"],
            'invalid argument for "--collection-method" flag',
        ),
        (
            ["openshift", "--name", "x", "--openshift-version", "5"],
            "invalid command option: invalid OpenShift version 5",
        ),
        (
            ["openshift", "--name", "x", "--disable-audit-logs", "x"],
            'invalid command option: --disable-audit-logs "x"',
        ),
    ],
)
def test_generate_refuses_before_any_call(wire: Wire, arguments: list[str], text: str) -> None:
    done = wire.run("sensor", "generate", *arguments)
    assert (done.code, wire.calls) == (1, [])
    assert done.err.startswith(f"ERROR:\t{text}")
