"""Where services are: missing addresses and certificates are named with the flag that mends it."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import grpc
import pytest
from grpc.aio import Metadata

from pyrox.errors import Invalid, NotFound, RoxError
from pyrox.mtls.identity import SCANNER_V4_MATCHER
from services.scannerctl import connection
from services.scannerctl.connection import Connection, called
from tests.support.pki import Pki


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    connection.flags(parser)
    return parser.parse_args(words)


async def ask(directory: Path, *words: str) -> None:
    async with Connection(arguments(*words), directory).matcher():
        pass


def test_flags_that_are_not_given_leave_no_trace() -> None:
    assert vars(arguments()) == {}
    assert vars(arguments("--certs", "x", "--insecure-skip-tls-verify")) == {
        "certs": "x",
        "insecure_skip_tls_verify": True,
    }


def test_missing_address_names_the_flag(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="--matcher-address is missing"):
        asyncio.run(ask(tmp_path))


def test_missing_certificate_names_the_file_and_the_flag(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"ca\.pem: No such file or directory; name the directory with --certs"):
        asyncio.run(ask(tmp_path, "--matcher-address", "x:1", "--certs", str(tmp_path)))


@pytest.mark.parametrize(
    ("address", "whole", "name"),
    [
        ("127.0.0.1:9", "127.0.0.1:9", SCANNER_V4_MATCHER.hostname),
        ("127.0.0.1", "127.0.0.1:8443", SCANNER_V4_MATCHER.hostname),
        ("localhost:1", "localhost:1", SCANNER_V4_MATCHER.hostname),
        ("matcher.example.org:1", "matcher.example.org:1", ""),
    ],
)
def test_name_in_the_certificate_is_the_services_unless_the_host_has_one(
    tmp_path: Path, address: str, whole: str, name: str
) -> None:
    pki = Pki(tmp_path)
    directory = pki.files(SCANNER_V4_MATCHER).cert.parent
    (directory / "ca.pem").write_bytes(pki.ca.cert_pem)
    flags = arguments("--matcher-address", address, "--certs", str(directory))
    service = Connection(flags, tmp_path).service("matcher", SCANNER_V4_MATCHER)
    assert (service.address, service.name) == (whole, name)


@pytest.mark.parametrize(
    ("code", "kind"), [(grpc.StatusCode.NOT_FOUND, NotFound), (grpc.StatusCode.UNAVAILABLE, RoxError)]
)
def test_error_of_a_call_names_what_was_done(code: grpc.StatusCode, kind: type[RoxError]) -> None:
    async def call() -> None:
        raise grpc.aio.AioRpcError(code, Metadata(), Metadata(), "no such thing", "")

    with pytest.raises(kind, match=f"indexing x: {code.name}: no such thing"):
        asyncio.run(called("indexing x", call()))
