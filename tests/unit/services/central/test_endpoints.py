"""Endpoints by file and environment: upstream's forms, defaults and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.env import Address
from pyrox.errors import Invalid
from services.central.endpoints import Listen, Tls, load

USUAL = Address("127.0.0.1", 8443)


def loaded(tmp_path: Path, text: str, plain: str = "", secure: str = "") -> list[Listen]:
    path = tmp_path / "endpoints.yaml"
    path.write_text(text)
    return list(load(USUAL, path, plain, secure))


def at(port: int, *protocols: str, **more: object) -> Listen:
    given = frozenset(protocols) or frozenset({"http", "grpc"})
    return Listen(Address("0.0.0.0", port), given, **more)  # type: ignore[arg-type]  # noqa: S104


def test_no_file_is_the_usual_port_alone(tmp_path: Path) -> None:
    assert load(USUAL, tmp_path / "missing.yaml", "", "") == (Listen(USUAL),)


@pytest.mark.parametrize("text", ["", "# only words of the chart\n", "endpoints:\n", "{}"])
def test_file_without_endpoints_changes_nothing(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text) == [Listen(USUAL)]


def test_all_sources_follow_each_other(tmp_path: Path) -> None:
    text = "{disableDefault: true, endpoints: [{listen: ':3'}]}"
    found = loaded(tmp_path, text, plain=" http@1 ,", secure="grpc@:2")
    assert found == [at(1, "http", tls=None), at(2, "grpc"), at(3)]


def test_whole_endpoint_is_read(tmp_path: Path) -> None:
    text = """
endpoints:
- listen: "127.0.0.1:8081"
  name: extra
  servicePort: 444
  allowIngressFrom: []
  optional: true
  protocols: [HTTP]
  tls:
    serverCerts: [Service]
    clientAuth: {required: true, certAuthorities: [service]}
- listen: ":8082"
  tls: {disable: true}
- listen: ":8083"
  tls: {clientAuth: {certAuthorities: []}}
"""
    first, second, third = loaded(tmp_path, text)[1:]
    assert first == Listen(
        Address("127.0.0.1", 8081),
        frozenset({"http"}),
        Tls(("service",), ("service",), required=True),
        optional=True,
    )
    assert second.tls is None
    assert third.tls == Tls(clients=())


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("{listen: ':1', protocols: [tcp]}", 'unknown backend protocol "tcp"'),
        ("{listen: 'x'}", "address 'x': expected [host:]port"),
        ("{protocols: [http]}", "address '': expected [host:]port"),
        ("x", "expected a map with listen"),
        ("{listen: ':1', protocol: [http]}", "unknown key 'protocol'"),
        ("{listen: ':1', protocols: http}", "protocols: expected a list of texts"),
        ("{listen: ':1', tls: {disable: true, serverCerts: [default]}}", "if TLS is disabled, neither"),
        ("{listen: ':1', tls: {disable: 'yes'}}", "disable: expected true or false"),
        ("{listen: ':1', tls: {serverCerts: [mine]}}", 'unknown server certificate setting "mine"'),
        ("{listen: ':1', tls: {clientAuth: {certAuthorities: [me]}}}", 'unknown client CA source "me"'),
        (
            "{listen: ':1', tls: {clientAuth: {required: true, certAuthorities: []}}}",
            "client certificate authentication is required, but no client certificate authorities",
        ),
        ("{listen: ':1', tls: {certs: []}}", "expected disable, serverCerts and clientAuth"),
        ("{listen: ':1', tls: {clientAuth: {must: true}}}", "expected required and certAuthorities"),
    ],
)
def test_required_endpoint_of_another_form_is_refused_by_name(
    tmp_path: Path, endpoint: str, message: str
) -> None:
    with pytest.raises(Invalid) as caught:
        loaded(tmp_path, f"endpoints: [{endpoint}]")
    assert caught.value.message.startswith(f"{tmp_path}/endpoints.yaml: instantiating required endpoint")
    assert message in caught.value.message


def test_optional_endpoint_of_another_form_is_left_out(tmp_path: Path) -> None:
    text = "endpoints: [{listen: ':1', optional: true, protocols: [tcp]}, {listen: ':2'}]"
    assert loaded(tmp_path, text) == [Listen(USUAL), at(2)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[x]", "expected disableDefault and endpoints, nothing else"),
        ("{endpoint: []}", "expected disableDefault and endpoints, nothing else"),
        ("{disableDefault: 'yes'}", "disableDefault: expected true or false"),
        ("{endpoints: x}", "endpoints: expected a list of at most 32"),
        ("a: b: c", "mapping values are not allowed"),
    ],
)
def test_file_of_another_form_is_refused_by_path(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Invalid, match=r"endpoints\.yaml") as caught:
        loaded(tmp_path, text)
    assert message in caught.value.message


@pytest.mark.parametrize(("plain", "secure"), [("tcp@1", ""), ("", "everywhere")])
def test_setting_of_another_form_is_refused(tmp_path: Path, plain: str, secure: str) -> None:
    with pytest.raises(Invalid, match=r'unknown backend protocol "tcp"|address .everywhere.: expected'):
        load(USUAL, tmp_path / "missing.yaml", plain, secure)
