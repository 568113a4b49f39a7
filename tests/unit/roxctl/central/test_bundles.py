"""`roxctl central init-bundles` and `crs`: the secrets with which clusters join."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from pyrox.pb.api.v1 import cluster_init_service_pb2 as pb
from roxctl.errors import CallFailed
from tests.support.cli_wire import Wire

REFUSED = CallFailed("PermissionDenied", "not authorized")
WHEN = datetime(2026, 11, 24, 9, tzinfo=UTC)


def bundle(
    name: str = "prod", key: str = "1", *clusters: tuple[str, str], user: dict[str, str] | None = None
) -> pb.InitBundleMeta:
    meta = pb.InitBundleMeta(id=key, name=name)
    meta.created_at.FromDatetime(WHEN)
    meta.created_by.id = "u-1"
    for attribute, value in (user or {}).items():
        meta.created_by.attributes.add(key=attribute, value=value)
    for cluster_id, cluster in clusters:
        meta.impacted_clusters.add(id=cluster_id, name=cluster)
    return meta


def crs(name: str, key: str) -> pb.CRSMeta:
    return pb.CRSMeta(id=key, name=name)


@pytest.mark.parametrize("seconds", ["0", "0s"])
def test_try_limit_of_zero_is_the_whole_time(wire: Wire, seconds: str) -> None:
    wire.answer("GetCRSs", pb.CRSMetasResponse())
    wire.run("central", "crs", "list", "--retry-timeout", seconds)
    assert wire.limits == [60]


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ({"name": "Ann", "username": "ann", "email": "a@x"}, "Ann"),
        ({"username": "ann", "email": "a@x"}, "ann"),
        ({"email": "a@x"}, "a@x"),
        ({}, "u-1"),
    ],
)
def test_creator_is_the_first_name_that_is_known(wire: Wire, user: dict[str, str], shown: str) -> None:
    wire.answer("GetInitBundles", pb.InitBundleMetasResponse(items=[bundle("", "1", user=user)]))
    done = wire.run("central", "init-bundles", "list")
    lines = [line.split("\t") for line in done.out.splitlines()]
    assert lines[0][0] == "Name"
    assert lines[1][0] == "===="
    cells = [cell.strip() for cell in lines[2] if cell.strip()]
    assert cells == ["(empty)", "2026-11-24T09:00:00Z", shown, "1"]


@pytest.mark.parametrize(
    ("arguments", "method", "answer", "doing"),
    [
        (["init-bundles", "list"], "GetInitBundles", pb.InitBundleMetasResponse, "getting all init bundles"),
        (["crs", "list"], "GetCRSs", pb.CRSMetasResponse, "getting all CRSs"),
    ],
)
def test_lists_are_sorted_by_name_and_failures_told(
    wire: Wire, arguments: list[str], method: str, answer: Any, doing: str
) -> None:
    make: Any = bundle if method == "GetInitBundles" else crs
    wire.answer(method, answer(items=[make("b", "2"), make("a", "1")]))
    names = [line.split("\t")[0] for line in wire.run("central", *arguments).out.splitlines()]
    assert names == ["Name", "====", "a", "b"]
    wire.answer(method, REFUSED)
    done = wire.run("central", *arguments)
    assert (done.code, done.out, done.err) == (1, "", f"ERROR:\t{doing}: {REFUSED}\n")


GENERATE = {
    "init": (
        ["init-bundles", "generate", "prod"],
        "GenerateInitBundle",
        pb.InitBundleGenResponse(meta=bundle(), helm_values_bundle=b"helm: 1\n", kubectl_bundle=b"kind: 1\n"),
    ),
    "crs": (
        ["crs", "generate", "prod"],
        "GenerateCRS",
        pb.CRSGenResponse(meta=crs("prod", "1"), crs=b"crs: 1\n"),
    ),
    "ca": (
        ["init-bundles", "fetch-ca"],
        "GetCAConfig",
        pb.GetCAConfigResponse(helm_values_bundle=b"ca: 1\n"),
    ),
}


@pytest.mark.parametrize("kind", list(GENERATE))
def test_secret_is_written_to_a_new_private_file(wire: Wire, tmp_path: Path, kind: str) -> None:
    arguments, method, answer = GENERATE[kind]
    wire.answer(method, answer)
    done = wire.run("central", *arguments, "--output", "out.yaml")
    assert (done.code, done.out) == (0, "")
    written = tmp_path / "out.yaml"
    assert written.read_bytes().endswith(b": 1\n")
    assert stat.S_IMODE(written.stat().st_mode) == (0o644 if kind == "ca" else 0o600)
    assert 'has been written to file "out.yaml".' in done.err


@pytest.mark.parametrize("kind", list(GENERATE))
def test_secret_goes_to_standard_output_alone(wire: Wire, tmp_path: Path, kind: str) -> None:
    arguments, method, answer = GENERATE[kind]
    wire.answer(method, answer)
    done = wire.run("central", *arguments, "--output", "-")
    assert done.code == 0
    assert done.out.endswith(": 1\n")
    assert done.out.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", list(GENERATE))
def test_file_that_exists_is_kept_and_central_not_asked(wire: Wire, tmp_path: Path, kind: str) -> None:
    (tmp_path / "out.yaml").write_text("mine")
    done = wire.run("central", *GENERATE[kind][0], "--output", "out.yaml")
    assert (done.code, wire.calls) == (1, [])
    assert done.err.endswith(": open out.yaml: file exists\n")
    assert (tmp_path / "out.yaml").read_text() == "mine"


@pytest.mark.parametrize("kind", list(GENERATE))
def test_refused_secret_leaves_no_file(wire: Wire, tmp_path: Path, kind: str) -> None:
    wire.answer(GENERATE[kind][1], REFUSED)
    done = wire.run("central", *GENERATE[kind][0], "--output", "out.yaml")
    assert done.code == 1
    assert done.err.endswith(f": {REFUSED}\n")
    assert list(tmp_path.iterdir()) == []


def test_second_file_that_exists_takes_the_first_away_again(wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    done = wire.run("central", "init-bundles", "generate", "x", "--output", "a", "--output-secrets", "b")
    assert (done.code, wire.calls) == (1, [])
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_init_bundle_is_described(wire: Wire) -> None:
    wire.answer("GenerateInitBundle", GENERATE["init"][2])
    done = wire.run("central", "init-bundles", "generate", "prod", "--output-secrets", "-")
    assert done.err == (
        "INFO:\tSuccessfully generated new init bundle.\n\n"
        "  Name:       prod\n  Created at: 2026-11-24T09:00:00Z\n  Expires at: \n"
        "  Created By: u-1\n  ID:         1\n\n\n"
        "INFO:\tThe init bundle needs to be stored securely, since it contains secrets.\n"
        "INFO:\tIt is not possible to retrieve previously generated init bundles.\n"
    )
    assert wire.asked("GenerateInitBundle", pb.InitBundleGenRequest) == [pb.InitBundleGenRequest(name="prod")]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--max-clusters", "3"], {"max_registrations": 3}),
        (["--valid-for", "90m"], {"valid_for": {"seconds": 5400}}),
        (["--valid-until", "2026-12-31T00:00:00+01:00"], {"valid_until": {"seconds": 1798671600}}),
    ],
)
def test_crs_limits_are_sent(wire: Wire, flags: list[str], expected: dict[str, Any]) -> None:
    wire.answer("GenerateCRSExtended", GENERATE["crs"][2])
    assert wire.run("central", "crs", "generate", "n", "-o", "-", *flags).code == 0
    (request,) = wire.asked("GenerateCRSExtended", pb.CRSGenRequestExtended)
    assert request == pb.CRSGenRequestExtended(name="n", **expected)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["crs", "generate"], "invalid command option: No name for the CRS specified"),
        (["crs", "generate", "a", "b", "-o", "-"], "invalid command option: No name for the CRS specified"),
        (["crs", "generate", "a"], 'required flag(s) "output" not set'),
        (
            ["crs", "generate", "a", "-o", "-", "--max-clusters", "-1"],
            "invalid command option: --max-clusters must not be negative",
        ),
        (
            ["crs", "generate", "a", "-o", "-", "--valid-until", "soon"],
            'invalid command option: --valid-until "soon" is not a time such as',
        ),
        (
            ["crs", "generate", "a", "-o", "-", "--valid-for", "x"],
            'invalid argument "x" for "--valid-for" flag: time: invalid duration "x"',
        ),
        (
            ["init-bundles", "generate", "a", "b", "--output", "-"],
            "invalid command option: No name for the init bundle",
        ),
        (["init-bundles", "revoke"], "requires at least 1 arg(s), only received 0"),
        (["crs", "revoke"], "requires at least 1 arg(s), only received 0"),
    ],
)
def test_refusal_comes_before_any_call(wire: Wire, arguments: list[str], text: str) -> None:
    done = wire.run("central", *arguments)
    assert (done.code, done.out, wire.calls) == (1, "", [])
    assert done.err.startswith(f"ERROR:\t{text}")


REVOKE = {
    "init-bundles": ("GetInitBundles", pb.InitBundleMetasResponse, "RevokeInitBundle", "init bundle"),
    "crs": ("GetCRSs", pb.CRSMetasResponse, "RevokeCRS", "CRS"),
}


def revocation(kind: str, done: list[str], failed: dict[str, str]) -> Message:
    if kind == "crs":
        made = pb.CRSRevokeResponse(revoked_ids=done)
        for key, error in failed.items():
            made.crs_revocation_errors.add(id=key, error=error)
        return made
    answer = pb.InitBundleRevokeResponse(init_bundle_revoked_ids=done)
    for key, error in failed.items():
        answer.init_bundle_revocation_errors.add(id=key, error=error)
    return answer


def meta(kind: str, name: str, key: str) -> Any:
    return crs(name, key) if kind == "crs" else bundle(name, key)


@pytest.mark.parametrize("kind", list(REVOKE))
def test_revocation_finds_ids_and_names(wire: Wire, kind: str) -> None:
    listing, answer, method, what = REVOKE[kind]
    wire.answer(listing, answer(items=[meta(kind, "a", "1"), meta(kind, "b", "2"), meta(kind, "c", "3")]))
    wire.answer(method, revocation(kind, ["1", "2"], {}))
    done = wire.run("central", kind, "revoke", "a", "2", "1")
    request: Any = pb.CRSRevokeRequest if kind == "crs" else pb.InitBundleRevokeRequest
    assert list(wire.asked(method, request)[0].ids) == ["1", "2"]
    assert done.err == f'INFO:\tRevoked "1"\nINFO:\tRevoked "2"\nINFO:\tRevoked 2 {what}(s)\n'


@pytest.mark.parametrize("kind", list(REVOKE))
def test_revocation_in_part_names_what_failed(wire: Wire, kind: str) -> None:
    listing, answer, method, what = REVOKE[kind]
    wire.answer(listing, answer(items=[meta(kind, "a", "1"), meta(kind, "b", "2")]))
    wire.answer(method, revocation(kind, ["1"], {"2": "in use"}))
    done = wire.run("central", kind, "revoke", "a", "b")
    assert done.code == 0
    assert done.err == (
        f'INFO:\tRevoked "1"\nERROR:\tError revoking "2": in use\nERROR:\tFailed. Revoked 1 of 2 {what}(s)\n'
    )


@pytest.mark.parametrize("kind", list(REVOKE))
def test_revocation_of_what_is_not_there_revokes_nothing(wire: Wire, kind: str) -> None:
    listing, answer, _, what = REVOKE[kind]
    wire.answer(listing, answer(items=[meta(kind, "a", "1")]))
    done = wire.run("central", kind, "revoke", "z", "a", "y")
    assert (done.code, wire.methods) == (1, [listing])
    assert done.err == f"ERROR:\tcould not find {what}(s) y, z\n"


@pytest.mark.parametrize(
    ("typed", "revoked"), [("yes\n", True), ("Y\n", True), ("no\n", False), ("\n", False), ("", False)]
)
def test_bundle_in_use_is_revoked_after_a_yes_only(wire: Wire, typed: str, *, revoked: bool) -> None:
    used = bundle("a", "1", ("c2", "zebra"), ("c1", "alpha"))
    wire.answer("GetInitBundles", pb.InitBundleMetasResponse(items=[used]))
    wire.answer("RevokeInitBundle", revocation("init-bundles", ["1"], {}))
    done = wire.run("central", "init-bundles", "revoke", "a", answers=typed)
    assert done.code == 0
    assert "Revoking init bundle(s) will impact the following cluster(s):" in done.out
    assert done.out.index("alpha") < done.out.index("zebra")
    requests = wire.asked("RevokeInitBundle", pb.InitBundleRevokeRequest)
    assert bool(requests) is revoked
    if revoked:
        assert list(requests[0].confirm_impacted_clusters_ids) == ["c1", "c2"]


def test_bundle_in_use_is_revoked_by_force_without_a_question(wire: Wire) -> None:
    used = bundle("a", "1", ("c1", "alpha"))
    wire.answer("GetInitBundles", pb.InitBundleMetasResponse(items=[used]))
    wire.answer("RevokeInitBundle", revocation("init-bundles", ["1"], {}))
    done = wire.run("central", "init-bundles", "revoke", "a", "--force")
    assert (done.code, done.out) == (0, "")
    (request,) = wire.asked("RevokeInitBundle", pb.InitBundleRevokeRequest)
    assert list(request.confirm_impacted_clusters_ids) == ["c1"]


@pytest.mark.parametrize(
    ("words", "what"), [(("crs", "revoke"), "CRS"), (("init-bundles", "revoke"), "init bundle")]
)
def test_revoke_of_an_empty_word_revokes_nothing_not_even_what_has_no_name(
    wire: Wire, words: tuple[str, ...], what: str
) -> None:
    wire.answer("GetCRSs", pb.CRSMetasResponse(items=[crs("", "1")]))
    wire.answer("GetInitBundles", pb.InitBundleMetasResponse(items=[bundle("", "1")]))
    done = wire.run("central", *words, "")
    assert (done.code, len(wire.methods)) == (1, 1)
    assert done.err == f'ERROR:\tcould not find {what}(s) "": give an id or a name\n'
