"""`roxctl sensor generate-certs`: what is asked for, and where the answer is written."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from pyrox.pb.api.v1 import cluster_service_pb2 as pb
from pyrox.pb.storage import cluster_pb2
from roxctl.errors import CallFailed
from roxctl.rest import HttpAnswer
from tests.support.cli_wire import Wire

ID = "6c7a0a4e-3d0c-4e22-9f0f-5a8a2f6b1d11"
NAMED = {"content-disposition": 'attachment; filename="cluster-lab-tls.yaml"'}
DOING = "ERROR:\terror downloading regenerated certs: "


def answer(status: int = 200, **headers: str) -> tuple[int, HttpAnswer]:
    return status, HttpAnswer(
        headers={name.replace("_", "-"): value for name, value in headers.items()} or NAMED, body=b"kind: S\n"
    )


def renew(wire: Wire, *words: str) -> Any:
    return wire.run("sensor", "generate-certs", *words)


def test_certs_of_an_id_are_asked_for_at_once(wire: Wire) -> None:
    wire.http_answers = [answer()]
    done = renew(wire, ID)
    assert (done.code, done.out, wire.calls) == (0, "", [])
    ((verb, path, body, _),) = wire.http
    assert (verb, path, json.loads(body)) == ("POST", "/api/extensions/certgen/cluster", {"id": ID})
    assert done.err == (
        "INFO:\tSuccessfully downloaded new certs. Use kubectl apply -f cluster-lab-tls.yaml to apply them.\n"
    )
    file = Path("cluster-lab-tls.yaml")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("kind: S\n", 0o600)


def test_certs_of_a_name_are_those_of_the_cluster_with_just_that_name(wire: Wire) -> None:
    others = [cluster_pb2.Cluster(id="1", name="lab2"), cluster_pb2.Cluster(id=ID, name="lab")]
    wire.answer("GetClusters", pb.ClustersList(clusters=others))
    wire.http_answers = [answer()]
    assert renew(wire, "lab").code == 0
    assert wire.asked("GetClusters", pb.GetClustersRequest)[0].query == "Cluster:lab"
    assert json.loads(wire.http[0][2]) == {"id": ID}


@pytest.mark.parametrize("disposition", ["", "attachment", 'attachment; filename=".."'])
def test_certs_without_a_file_name_get_one(wire: Wire, disposition: str) -> None:
    wire.http_answers = [answer(content_disposition=disposition)]
    done = renew(wire, ID, "--output-dir", ".")
    assert done.code == 0
    assert f'Defaulting to "cluster-{ID}-certs.yaml"' in done.err
    assert Path(f"cluster-{ID}-certs.yaml").is_file()


def test_certs_stay_in_the_folder_and_replace_older_ones(wire: Wire) -> None:
    Path("out").mkdir()
    Path("out/x.yaml").write_text("a longer and older text")
    wire.http_answers = [answer(content_disposition='attachment; filename="../../x.yaml"')]
    assert renew(wire, ID, "--output-dir", "out").code == 0
    assert Path("out/x.yaml").read_text() == "kind: S\n"
    assert [path.name for path in Path().iterdir()] == ["out"]


def test_certs_of_an_unknown_cluster_are_not_asked_for(wire: Wire) -> None:
    wire.answer("GetClusters", pb.ClustersList())
    done = renew(wire, "lab")
    assert (done.code, wire.http) == (1, [])
    assert done.err == f'{DOING}could not resolve cluster ID: no cluster with name "lab" found\n'


def test_certs_fail_with_what_central_says(wire: Wire) -> None:
    wire.answer("GetClusters", CallFailed("PermissionDenied", "no"))
    assert f'{DOING}could not resolve cluster ID: could not get cluster: "lab": ' in renew(wire, "lab").err
    wire.http_answers = [answer(403)]
    done = renew(wire, ID)
    assert done.code == 1
    assert f"{DOING}could not download certgen cluster: " in done.err


def test_certs_need_a_place(wire: Wire) -> None:
    wire.http_answers = [answer()]
    done = renew(wire, ID, "--output-dir", "nowhere")
    assert done.code == 1
    place = "nowhere/cluster-lab-tls.yaml"
    assert done.err == f"{DOING}failed to create output file: open {place}: no such file or directory\n"


@pytest.mark.parametrize("words", [(), ("a", "b")])
def test_certs_are_of_one_cluster(wire: Wire, words: tuple[str, ...]) -> None:
    done = renew(wire, *words)
    assert (done.code, done.err) == (1, "ERROR:\tNo cluster name or ID specified\n")
