"""Connection settings from libpq's keyword text."""

from __future__ import annotations

import ssl

import pytest

from pyrox.errors import Invalid
from pyrox.pg.settings import Settings

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
    assert settings.tls is not None
    assert (settings.tls.verify_mode, settings.tls.check_hostname) == (verify, hostname)


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
