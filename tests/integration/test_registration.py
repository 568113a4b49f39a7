"""Clusters that register over the wire: a secret's certificate in, the cluster's own certificates out."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
import yaml

from pyrox.clock import SystemClock
from pyrox.mtls.bundle import read_crs
from pyrox.mtls.ca import ServiceTrust, load_certificates
from pyrox.mtls.reload import CertFiles
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from pyrox.pb.storage import cluster_pb2
from pyrox.pg.settings import Settings
from tests.support.central import RunningCentral, running_central
from tests.support.rpc_caller import channel

pytestmark = [pytest.mark.needs("postgres")]
UNAUTHENTICATED, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED
_SECONDS = 60
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[RunningCentral]:
    with running_central(tmp_path_factory.mktemp("central"), database) as running:
        yield running


def ask(central: RunningCentral, method: str, path: str, **body: Any) -> Any:
    with central.client() as client:
        return client.request(method, path, json=body or None).raise_for_status().json()


def written(central: RunningCentral, cert: str, key: str) -> CertFiles:
    directory: Path = central.pki.directory / f"registered-{next(_NUMBERS)}"
    directory.mkdir()
    files = CertFiles.in_directory(directory)
    files.cert.write_text(cert)
    files.key.write_text(key)
    return files


def secret(central: RunningCentral, name: str, **fields: Any) -> tuple[str, CertFiles]:
    """A new registration secret: its id, and its certificate on disk."""
    made = ask(central, "POST", "/v1/cluster-init/crs-extended", name=name, **fields)
    manifest = yaml.safe_load(base64.b64decode(made["crs"]))
    crs = read_crs(base64.b64decode(manifest["data"]["crs"]))
    return made["meta"]["id"], written(central, crs.cert_pem, crs.key_pem)


def hello(name: str, cluster_id: str = "") -> MsgFromSensor:
    message = MsgFromSensor()
    message.hello.sensor_version = "4.11.0"
    message.hello.deployment_identification.app_namespace = "stackrox"
    init = message.hello.helm_managed_config_init
    init.cluster_name, init.cluster_id = name, cluster_id
    init.managed_by = cluster_pb2.MANAGER_TYPE_HELM_CHART
    return message


def connect(
    central: RunningCentral, files: CertFiles, first: MsgFromSensor, answers: int = 100
) -> tuple[grpc.StatusCode, str, list[MsgToSensor]]:
    """How a stream with this first message went, up to so many answers."""
    with channel(central, files) as opened:
        stub = opened.stream_stream(
            "/central.SensorService/Communicate",
            request_serializer=MsgFromSensor.SerializeToString,
            response_deserializer=MsgToSensor.FromString,
        )
        call = stub(iter([first]), metadata=(("rox-sensor-hello", "true"),), timeout=_SECONDS)
        heard: list[MsgToSensor] = []
        try:
            heard.extend(itertools.islice(call, answers))
        except grpc.RpcError as error:
            ended = cast("grpc.Call", error)
            return ended.code(), ended.details() or "", heard
        return grpc.StatusCode.OK, "", heard


def register(central: RunningCentral, files: CertFiles, name: str) -> MsgToSensor:
    """The one answer to a registrant."""
    status, text, heard = connect(central, files, hello(name))
    assert status == grpc.StatusCode.OK, text
    assert [message.WhichOneof("msg") for message in heard] == ["hello"]
    return heard[0]


def own_certificate(central: RunningCentral, answer: MsgToSensor) -> CertFiles:
    files = answer.hello.cert_bundle
    return written(central, files["sensor-cert.pem"], files["sensor-key.pem"])


def names(central: RunningCentral) -> set[str]:
    return {cluster["name"] for cluster in ask(central, "GET", "/v1/clusters")["clusters"]}


def test_registrant_gets_certificates_of_its_cluster_and_the_stream_ends(central: RunningCentral) -> None:
    _, files = secret(central, "first")
    answer = register(central, files, "shop")
    assert answer.hello.cluster_id
    assert "ClusterRegistrationSecretSupported" in answer.hello.capabilities
    bundle = answer.hello.cert_bundle
    trust = ServiceTrust(load_certificates(central.pki.ca.cert_pem), SystemClock())
    assert bundle["ca-cert.pem"].encode() == central.pki.ca.cert_pem
    for slug in ("sensor", "collector", "admission-control"):
        subject = trust.subject_of(load_certificates(bundle[f"{slug}-cert.pem"].encode())[0])
        assert (subject.id, subject.init_bundle) == (answer.hello.cluster_id, "")
    found = ask(central, "GET", f"/v1/clusters/{answer.hello.cluster_id}")["cluster"]
    assert (found["name"], found["managedBy"]) == ("shop", "MANAGER_TYPE_HELM_CHART")


def test_secret_with_a_limit_is_used_up_when_its_cluster_connects(central: RunningCentral) -> None:
    crs_id, files = secret(central, "limited", max_registrations=1)
    answer = register(central, files, "one")
    status, text, heard = connect(central, files, hello("two"))
    assert (status, heard) == (grpc.StatusCode.RESOURCE_EXHAUSTED, [])
    assert text == "maximum number of allowed cluster registrations reached"
    assert "two" not in names(central)
    status, text, heard = connect(
        central, own_certificate(central, answer), hello("one", answer.hello.cluster_id), answers=1
    )
    assert (status, [message.WhichOneof("msg") for message in heard]) == (grpc.StatusCode.OK, ["hello"])
    assert crs_id not in {item["id"] for item in ask(central, "GET", "/v1/cluster-init/crs")["items"]}
    status, text, _ = connect(central, files, hello("one"))
    assert status == UNAUTHENTICATED
    assert text == f'credentials not found: init bundle "{crs_id}" is revoked'


def test_secret_cannot_take_over_a_cluster_that_has_connected(central: RunningCentral) -> None:
    _, files = secret(central, "greedy")
    answer = register(central, files, "bank")
    own = own_certificate(central, answer)
    # The second message is sent only when the connection is noted.
    assert connect(central, own, hello("bank", answer.hello.cluster_id), answers=2)[0] == grpc.StatusCode.OK
    status, text, heard = connect(central, files, hello("bank"))
    assert (status, heard) == (DENIED, [])
    assert 'cluster "bank" is registered already' in text


def test_revoked_secret_registers_nothing(central: RunningCentral) -> None:
    crs_id, files = secret(central, "ended")
    answer = ask(central, "PATCH", "/v1/cluster-init/crs/revoke", ids=[crs_id])
    assert answer["revokedIds"] == [crs_id]
    assert connect(central, files, hello("late"))[0] == UNAUTHENTICATED
    assert "late" not in names(central)


@pytest.mark.parametrize(
    ("first", "text"),
    [
        (hello(""), "the Sensor sends no cluster name; set clusterName in its chart's values"),
        (MsgFromSensor(), "must be a hello, not an empty message"),
    ],
)
def test_registrant_that_says_too_little_is_refused(
    central: RunningCentral, first: MsgFromSensor, text: str
) -> None:
    _, files = secret(central, f"quiet-{next(_NUMBERS)}")
    status, details, heard = connect(central, files, first)
    assert (status, heard) == (grpc.StatusCode.INVALID_ARGUMENT, [])
    assert text in details


def test_registrants_certificate_opens_nothing_else(central: RunningCentral) -> None:
    _, files = secret(central, "only")
    for path in ("/v1.ImageService/ScanImageInternal", "/v1.MetadataService/GetMetadata"):
        with channel(central, files) as opened:
            call = opened.unary_unary(path, request_serializer=None, response_deserializer=None)
            with pytest.raises(grpc.RpcError) as caught:
                call(b"", timeout=_SECONDS)
        assert cast("grpc.Call", caught.value).code() == DENIED, path
