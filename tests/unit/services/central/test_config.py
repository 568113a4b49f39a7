"""Settings of Central: defaults, flags, files, and errors that name what is at fault."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pyrox import features
from pyrox.env import Address
from pyrox.errors import Invalid
from services.central import config
from services.central.config import Config, load
from services.central.endpoints import Listen


class Site:
    """The mounted files of a Central."""

    def __init__(self, directory: Path) -> None:
        self.secrets = directory / "secrets"
        (self.secrets / "db-password").mkdir(parents=True)
        self.password = self.secrets / "db-password" / "password"
        self.password.write_text("s3cret\n")
        self.database = directory / "central-external-db.yaml"
        self.database.write_text("centralDB:\n  external: false\n  source: host=db port=5432\n")
        self.extra = directory / "cas"
        self.extra.mkdir()

    def load(self, *arguments: str, **environment: str) -> Config:
        given = ["--secrets", str(self.secrets), "--external-db", str(self.database)]
        return load([*given, "--additional-ca", str(self.extra), *arguments], environment)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_config_without_settings_has_upstreams_defaults(site: Site) -> None:
    loaded = site.load()
    assert loaded.endpoints == (Listen(Address("0.0.0.0", 8443)),)  # noqa: S104 - what is expected
    assert loaded.metrics == Address("0.0.0.0", 9090)  # noqa: S104
    assert loaded.max_message_bytes == 25165824
    assert loaded.reprocessing == timedelta(hours=4)
    assert loaded.scan_timeout == timedelta(minutes=10)
    assert loaded.indexer == "scanner-v4-indexer.stackrox.svc:8443"
    assert loaded.matcher == "scanner-v4-matcher.stackrox.svc:8443"
    assert loaded.ui == Path("/ui")
    assert loaded.cli == Path("/assets/downloads/cli")
    assert (loaded.offline, loaded.allow_local_registries) == (False, False)
    assert loaded.log_level == "info"
    assert loaded.flags == {flag: flag.default for flag in features.ALL}


def test_config_finds_secrets_where_the_chart_mounts_them() -> None:
    defaults = config.parser().parse_args([])
    assert defaults.secrets == Path("/run/secrets/stackrox.io")
    assert defaults.external_db == Path("/etc/ext-db/central-external-db.yaml")


def test_config_reads_files_and_derives_paths(site: Site) -> None:
    (site.extra / "b.crt").write_text("B\n")
    (site.extra / "a.crt").write_text("A\n")
    (site.extra / "note.txt").write_text("no certificate")
    loaded = site.load("--listen", "127.0.0.1:1", "--allow-local-registries")
    assert loaded.database_source == "host=db port=5432"
    assert loaded.database_password == "s3cret"
    assert not loaded.database_external
    assert loaded.certs == site.secrets / "certs"
    assert loaded.htpasswd == site.secrets / "htpasswd" / "htpasswd"
    assert loaded.jwt == site.secrets / "jwt"
    assert loaded.default_tls == site.secrets / "default-tls-cert"
    assert loaded.additional_ca == "A\nB"
    assert loaded.allow_local_registries
    assert loaded.endpoints[0] == Listen(Address("127.0.0.1", 1))


def test_config_takes_the_environment(site: Site) -> None:
    loaded = site.load(
        ROX_GRPC_MAX_MESSAGE_SIZE="1048576",
        ROX_OFFLINE_MODE="true",
        ROX_REPROCESSING_INTERVAL="30m",
        ROX_SCAN_TIMEOUT="90s",
        ROX_SBOM_GEN_MAX_REQ_SIZE_BYTES="2000",
        ROX_SBOM_SCAN_MAX_REQ_SIZE_BYTES="3000",
        ROX_SCANNER_V4="false",
        ROX_PLAINTEXT_ENDPOINTS="8080, 127.0.0.1:8081 ,",
        ROX_METRICS_PORT="127.0.0.1:9191",
        LOGLEVEL="debug",
    )
    assert (loaded.max_message_bytes, loaded.offline, loaded.log_level) == (1048576, True, "debug")
    assert (loaded.sbom_request_bytes, loaded.sbom_scan_bytes) == (2000, 3000)
    assert (loaded.reprocessing, loaded.scan_timeout) == (timedelta(minutes=30), timedelta(seconds=90))
    assert loaded.endpoints[1:] == (
        Listen(Address("0.0.0.0", 8080), tls=None),  # noqa: S104 - as asked for
        Listen(Address("127.0.0.1", 8081), tls=None),
    )
    assert (loaded.sbom_request_bytes, site.load().sbom_request_bytes) == (2000, 102400)
    assert loaded.metrics == Address("127.0.0.1", 9191)
    assert not loaded.scanner_v4
    assert site.load().scanner_v4


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (":8443", "0.0.0.0", 8443),  # noqa: S104
        ("8443", "0.0.0.0", 8443),  # noqa: S104
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("[::1]:8443", "::1", 8443),
        ("central.example:65535", "central.example", 65535),
    ],
)
def test_address_is_parsed(text: str, host: str, port: int) -> None:
    assert Address.parse(text) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    ["", ":", "host", "host:", ":-1", ":65536", ":99999999999999999999", ":8443x", ":\u0661\u0662", "a:b:c"],
)
def test_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"expected \[host:\]port"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ROX_GRPC_MAX_MESSAGE_SIZE", "24MB", "invalid literal"),
        ("ROX_GRPC_MAX_MESSAGE_SIZE", "0", "expected a number above 0"),
        ("ROX_GRPC_MAX_MESSAGE_SIZE", "-1", "expected a number above 0"),
        ("ROX_REPROCESSING_INTERVAL", "0", "expected a duration above 0s"),
        ("ROX_REPROCESSING_INTERVAL", "-4h", "expected a duration such as"),
        ("ROX_REPROCESSING_INTERVAL", "daily", "expected a duration such as"),
        ("ROX_SCAN_TIMEOUT", "0s", "expected a duration above 0s"),
        ("ROX_OFFLINE_MODE", "sure", "expected true or false"),
        ("ROX_SCANNER_V4", "2", "expected true or false"),
    ],
)
def test_setting_that_cannot_be_used_is_named(site: Site, name: str, value: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as caught:
        site.load(**{name: value})
    assert caught.value.message.startswith(f"{name}={value!r}: ")


@pytest.mark.parametrize("name", ["ROX_PLAINTEXT_ENDPOINTS", "ROX_METRICS_PORT"])
def test_address_setting_that_cannot_be_used_is_refused(site: Site, name: str) -> None:
    with pytest.raises(Invalid, match="address 'everywhere'"):
        site.load(**{name: "everywhere"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "centralDB: 5",
        "centralDB: {}",
        "centralDB: {external: true}",
        "centralDB: {source: }",
        "centralDB: {source: ''}",
        "centralDB: {source: [a]}",
        "centralDB: {source: {a: b}}",
        "a: b: c",
        "!!python/object/apply:os.system ['true']",
        "\x01",
    ],
)
def test_database_file_of_another_form_is_refused_by_path(site: Site, text: str) -> None:
    site.database.write_text(text)
    with pytest.raises(Invalid) as caught:
        site.load()
    assert caught.value.message.startswith(f"{site.database}: expected centralDB.source: ")


def test_external_database_is_told(site: Site) -> None:
    site.database.write_text("centralDB: {external: true, source: host=x}")
    assert site.load().database_external


def test_missing_secret_is_named_with_the_remedy(site: Site) -> None:
    site.password.unlink()
    with pytest.raises(Invalid) as caught:
        site.load()
    assert caught.value.message == (
        f"{site.password}: No such file or directory; mount the secret, or name its directory with --secrets"
    )


def test_secret_that_is_no_text_is_refused_without_its_content(site: Site) -> None:
    site.password.write_bytes(b"\xff\xfe\x00secret")
    with pytest.raises(Invalid) as caught:
        site.load()
    assert caught.value.message == f"{site.password}: not a text file"


def test_unknown_flag_ends_with_two(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        site.load("--nosuch")
    assert caught.value.code == 2
    assert "--nosuch" in capsys.readouterr().err


def test_metrics_port_may_be_disabled(site: Site) -> None:
    assert site.load(ROX_METRICS_PORT="disabled").metrics is None
