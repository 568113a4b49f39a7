"""Connection settings from libpq's keyword text."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from pyrox.errors import Invalid
from pyrox.pg.settings import Settings
from tests.support.pki import SENSOR, Pki

SOURCE = "host=central-db.stackrox.svc port=5433 user=rox dbname=central statement_timeout=1.2e+06"
SOURCE += " pool_max_conns=90"


def test_source_is_read() -> None:
    settings = Settings.from_source(SOURCE, password="s")
    assert (settings.host, settings.port, settings.user) == ("central-db.stackrox.svc", 5433, "rox")
    assert (settings.database, settings.max_size, settings.statement_seconds) == ("central", 90, 1200.0)
    assert settings.tls is None


@pytest.mark.parametrize(
    ("mode", "verify", "hostname"),
    [
        ("require", ssl.CERT_NONE, False),
        ("verify-ca", ssl.CERT_REQUIRED, False),
        ("verify-full", ssl.CERT_REQUIRED, True),
    ],
)
def test_source_with_tls_verifies_as_libpq_does(mode: str, verify: ssl.VerifyMode, *, hostname: bool) -> None:
    settings = Settings.from_source(f"host=x sslmode={mode}", password="s")
    assert isinstance(settings.tls, ssl.SSLContext)
    assert (settings.tls.verify_mode, settings.tls.check_hostname) == (verify, hostname)
    assert not settings.tls.verify_flags & ssl.VERIFY_X509_STRICT


@pytest.mark.parametrize("mode", ["allow", "prefer"])
def test_source_that_verifies_nothing_leaves_the_choice_to_both_sides(mode: str) -> None:
    settings = Settings.from_source(f"host=x sslmode={mode}", password="s")
    assert settings.driver_options()["ssl"] == mode


def test_source_may_trust_the_cas_of_the_machine() -> None:
    settings = Settings.from_source("host=x sslmode=verify-full sslrootcert=system", password="s")
    assert isinstance(settings.tls, ssl.SSLContext)
    assert settings.tls.check_hostname


def test_source_with_a_client_certificate_loads_it(tmp_path: Path) -> None:
    files = Pki(tmp_path).files(SENSOR)
    words = f"host=x sslmode=require sslcert={files.cert} sslkey="
    assert isinstance(Settings.from_source(words + str(files.key), password="s").tls, ssl.SSLContext)
    with pytest.raises(Invalid, match="sslcert and sslkey cannot be used"):
        Settings.from_source(f"{words}{tmp_path / 'none.pem'}", password="s")


@pytest.mark.parametrize(
    "source",
    ["host", "port=x", "sslmode=maybe", "sslmode=verify-full sslrootcert=/nowhere/ca.pem", "host='x"],
)
def test_source_that_cannot_be_used_is_invalid(source: str) -> None:
    with pytest.raises(Invalid, match="database source"):
        Settings.from_source(source, password="s")


def test_options_behind_pgbouncer_have_no_prepared_statements() -> None:
    options = Settings(database="d", user="u", pgbouncer=True).driver_options()
    assert options["statement_cache_size"] == 0
    assert "server_settings" not in options


@pytest.mark.parametrize("value", ["inf", "nan", "-1", "1e99", "2147483648"])
@pytest.mark.parametrize("key", ["port", "statement_timeout", "pool_max_conns", "pool_min_conns"])
def test_source_with_a_number_out_of_range_is_invalid(key: str, value: str) -> None:
    with pytest.raises(Invalid, match=f"database source: {key}='{value}' is not a number from 0 to"):
        Settings.from_source(f"{key}={value}", password="s")


def test_source_without_words_has_upstreams_defaults() -> None:
    settings = Settings.from_source("", password="s")
    assert (settings.database, settings.user, settings.host, settings.port) == (
        "central_active",
        "postgres",
        "127.0.0.1",
        5432,
    )
    assert (settings.min_size, settings.max_size, settings.statement_seconds) == (0, 20, 1200.0)


def test_source_with_quoted_and_unknown_words_is_read() -> None:
    settings = Settings.from_source("user='a b' dbname=x client_encoding=UTF8 database=y", password="p")
    assert (settings.user, settings.database, settings.password) == ("a b", "x", "p")


def test_options_of_a_direct_connection_limit_statements() -> None:
    options = Settings(database="d", user="u", statement_seconds=1.5, application="a").driver_options()
    assert options["server_settings"] == {"application_name": "a", "statement_timeout": "1500"}
    assert (options["password"], options["ssl"], options["timeout"]) == (None, False, 10.0)


def test_conn_string_takes_its_password_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    settings = Settings.from_conn_string("host=db port=1", password_file=str(tmp_path / "password"))
    assert (settings.host, settings.port, settings.password) == ("db", 1, "s3cret")
    assert settings.database == "postgres"


def test_conn_string_of_the_chart_is_read_whole(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    (tmp_path / "password").write_text("p")
    written = (
        f"host=scanner-v4-db.stackrox.svc port=5432\nsslrootcert={pki.ca_file} user=postgres\n"
        "sslmode=verify-full statement_timeout=60000 pool_min_conns=5 pool_max_conns=40\n"
        "client_encoding=UTF8\n"
    )
    settings = Settings.from_conn_string(written, password_file=str(tmp_path / "password"))
    assert (settings.host, settings.port, settings.user) == ("scanner-v4-db.stackrox.svc", 5432, "postgres")
    assert (settings.min_size, settings.max_size, settings.statement_seconds) == (5, 40, 60.0)
    assert (settings.database, settings.password) == ("postgres", "p")
    assert isinstance(settings.tls, ssl.SSLContext)
    assert settings.tls.check_hostname


def test_conn_string_may_carry_password_and_database() -> None:
    settings = Settings.from_conn_string("host=db dbname=v4 password='two words'", password_file="")
    assert (settings.password, settings.database) == ("two words", "v4")


def test_conn_string_that_is_a_url_or_has_two_passwords_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="URLs are not supported"):
        Settings.from_conn_string("postgres://db/x", password_file="")
    with pytest.raises(Invalid, match="although password_file is set"):
        Settings.from_conn_string("host=db password=x", password_file=str(tmp_path / "p"))
