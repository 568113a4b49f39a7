from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.errors import Invalid
from services.bootstrap.config import load


def names(*arguments: str) -> list[str]:
    return [one.name for one in load(arguments, {}).wanted]


def test_load_central_wants_every_secret_of_central() -> None:
    config = load(["central"], {})
    assert [one.name for one in config.wanted] == [
        "central-tls",
        "central-htpasswd",
        "central-db-tls",
        "central-db-password",
        "scanner-v4-indexer-tls",
        "scanner-v4-matcher-tls",
        "scanner-v4-db-tls",
        "scanner-v4-db-password",
    ]
    assert (config.namespace, config.ca_secret, config.renew, config.dry_run) == (
        "stackrox",
        "central-tls",
        False,
        False,
    )
    assert (config.webhook, config.kubeconfig, config.log_level) == ("", None, "info")
    assert config.release.part_of == "stackrox-central-services"


def test_load_secured_wants_the_password_of_the_scanner() -> None:
    config = load(["secured", "--webhook", "stackrox"], {})
    assert [one.name for one in config.wanted] == ["scanner-v4-db-password"]
    assert (config.webhook, config.ca_secret) == ("stackrox", "")
    assert config.release.part_of == "stackrox-secured-cluster-services"


def test_load_without_a_part_leaves_its_secrets_out() -> None:
    assert names("central", "--without", "scanner-v4") == [
        "central-tls",
        "central-htpasswd",
        "central-db-tls",
        "central-db-password",
    ]
    assert "central-db-tls" not in names("central", "--without", "central-db")
    assert names("secured", "--without", "scanner-v4") == []


def test_load_without_one_secret_leaves_that_one_out() -> None:
    wanted = names("central", "--without", "central-htpasswd", "--without", "central-db-password")
    assert not {"central-htpasswd", "central-db-password"} & set(wanted)
    assert "central-db-tls" in wanted


def test_load_named_secrets_are_the_only_ones() -> None:
    assert names("central", "--secret", "central-db-tls", "--secret", "central-tls") == [
        "central-tls",
        "central-db-tls",
    ]


def test_load_reads_namespace_and_kubeconfig_of_the_pod() -> None:
    config = load(["central"], {"POD_NAMESPACE": "acs", "KUBECONFIG": "/k", "LOGLEVEL": "debug"})
    assert (config.namespace, config.kubeconfig, config.log_level) == ("acs", Path("/k"), "debug")
    assert load(["central", "--namespace", "own"], {"POD_NAMESPACE": "acs"}).namespace == "own"


def test_load_keeps_the_release_for_labels() -> None:
    words = ["central", "--release", "r", "--chart", "c-1", "--app-version", "4.11.1", "--renew", "--dry-run"]
    config = load(words, {})
    assert (config.release.name, config.release.chart, config.release.version) == ("r", "c-1", "4.11.1")
    assert config.renew
    assert config.dry_run


def test_load_takes_the_file_of_the_first_password() -> None:
    assert load(["central", "--admin-password-file", "/p"], {}).admin_password == Path("/p")
    assert load(["central"], {}).admin_password is None
    assert load(["secured"], {}).admin_password is None


@pytest.mark.parametrize("namespace", ["a/b", "../x", "a b", "a?c"])
def test_load_namespace_that_would_be_another_path_is_refused(namespace: str) -> None:
    with pytest.raises(Invalid, match="not the name of a namespace"):
        load(["central", "--namespace", namespace], {})


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["other"],
        ["central", "--secret", "unknown"],
        ["central", "--without", "sensor"],
        ["central", "--webhook", "stackrox"],
        ["secured", "--renew"],
    ],
)
def test_load_flags_that_do_not_fit_end_the_process(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        load(words, {})
    assert ended.value.code == 2
    assert "usage: bootstrap" in capsys.readouterr().err
