"""TLS contexts follow the files they were made from."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from pyrox.errors import Invalid
from pyrox.mtls.identity import CENTRAL
from pyrox.mtls.reload import CertFiles, CertificateWatch, ClientTls, ServerTls, _matches, service_tls
from tests.support.pki import SENSOR, FixedClock, Pki


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


def test_server_context_asks_for_client_certificates_as_configured(pki: Pki) -> None:
    files = [pki.files(CENTRAL)]
    assert ServerTls(certificates=files).context.verify_mode is ssl.CERT_NONE
    optional = ServerTls(certificates=files, client_authorities=[pki.ca_file])
    assert optional.context.verify_mode is ssl.CERT_OPTIONAL
    required = ServerTls(certificates=files, client_authorities=[pki.ca_file], require_client=True)
    assert required.context.verify_mode is ssl.CERT_REQUIRED
    assert required.context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_service_with_one_certificate_shows_it_on_both_sides(pki: Pki) -> None:
    directory = pki.files(SENSOR).cert.parent
    (directory / "ca.pem").write_bytes(pki.ca.cert_pem)
    server, client = service_tls(directory)
    assert server.context.verify_mode is ssl.CERT_OPTIONAL
    assert client.material.key_pem == (directory / "key.pem").read_bytes()


def test_server_context_is_made_anew_only_when_a_file_changed(pki: Pki) -> None:
    tls = ServerTls(certificates=[pki.files(CENTRAL)])
    first = tls.context
    assert not tls.reload_if_changed()
    assert tls.context is first
    pki.files(CENTRAL)
    assert tls.reload_if_changed()
    assert tls.context is not first


def test_server_default_certificate_may_come_later(pki: Pki) -> None:
    default = CertFiles.in_directory(pki.directory / "SENSOR_SERVICE")
    tls = ServerTls(certificates=[default, pki.files(CENTRAL)])
    before = tls.context
    pki.files(SENSOR)
    assert tls.reload_if_changed()
    assert tls.context is not before
    assert tls.context.sni_callback is not None


def test_server_without_any_certificate_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="none of the server certificates"):
        _ = ServerTls(certificates=[CertFiles.in_directory(tmp_path)]).context


def test_server_with_the_key_of_another_certificate_does_not_start(pki: Pki) -> None:
    mixed = CertFiles(pki.files(CENTRAL).cert, pki.files(SENSOR).key)
    with pytest.raises(Invalid, match="are not a certificate with its key"):
        _ = ServerTls(certificates=[mixed]).context


def test_server_with_an_encrypted_key_does_not_ask_for_a_password(pki: Pki) -> None:
    files = pki.files(CENTRAL)
    key = ec.generate_private_key(ec.SECP256R1())
    files.key.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )
    with pytest.raises(Invalid, match="the key is encrypted"):
        _ = ServerTls(certificates=[files]).context


def test_trust_users_adds_their_authorities(pki: Pki, tmp_path: Path) -> None:
    tls = ServerTls(certificates=[pki.files(CENTRAL)])
    before = tls.context
    tls.trust_users(Pki(tmp_path / "users").ca_file.read_text())
    assert tls.context is not before
    assert tls.context.verify_mode is ssl.CERT_OPTIONAL
    assert len(tls.context.get_ca_certs()) == 1


def test_trust_users_with_nonsense_is_invalid(pki: Pki) -> None:
    tls = ServerTls(certificates=[pki.files(CENTRAL)])
    before = tls.context
    with pytest.raises(Invalid, match="CA certificates"):
        tls.trust_users("nonsense")
    assert tls.context is before


def test_client_generation_grows_with_each_change(pki: Pki) -> None:
    tls = ClientTls(authorities=[pki.ca_file], certificate=pki.files(SENSOR))
    first = tls.material
    assert tls.generation == 1
    assert not tls.reload_if_changed()
    pki.files(SENSOR)
    assert tls.reload_if_changed()
    assert tls.generation == 2
    assert tls.material.cert_pem != first.cert_pem


def test_client_keeps_what_it_had_when_the_new_files_are_broken(pki: Pki) -> None:
    files = pki.files(SENSOR)
    tls = ClientTls(authorities=[pki.ca_file], certificate=files)
    first = tls.material
    files.key.write_bytes(b"half a k")
    with pytest.raises(Invalid):
        tls.reload_if_changed()
    assert tls.material is first
    assert tls.generation == 1


def test_client_context_checks_names_and_its_own_authorities_only(pki: Pki) -> None:
    context = ClientTls(authorities=[pki.ca_file]).context()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1


def test_client_trusts_further_authorities_beside_its_files(pki: Pki, tmp_path: Path) -> None:
    tls = ClientTls(authorities=[pki.ca_file])
    _ = tls.material
    further = Pki(tmp_path / "further").ca.cert_pem
    tls.trust_also(further)
    assert len(tls.context().get_ca_certs()) == 2
    assert tls.generation == 2
    tls.trust_also(further)
    assert tls.generation == 2
    with pytest.raises(Invalid):
        tls.trust_also(b"nonsense")
    assert len(tls.context().get_ca_certs()) == 2


def test_client_with_system_roots_trusts_them_too(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    public = Pki(pki.directory / "public")
    monkeypatch.setenv("SSL_CERT_FILE", str(public.ca_file))
    own = ClientTls(authorities=[pki.ca_file], system_roots=True)
    assert public.ca.cert_pem.strip() in own.material.authorities_pem
    assert len(own.context().get_ca_certs()) == 2


async def test_watch_polls_every_five_seconds_and_reports_reloads(pki: Pki) -> None:
    files = pki.files(SENSOR)
    tls = ClientTls(authorities=[pki.ca_file], certificate=files)
    _ = tls.material
    reloads: list[int] = []
    clock = FixedClock()

    class Clock(FixedClock):
        async def sleep(self, seconds: float) -> None:
            await clock.sleep(seconds)
            match len(clock.slept):
                case 2:
                    files.cert.write_bytes(b"broken")
                case 4:
                    pki.files(SENSOR)
                case 6:
                    raise asyncio.CancelledError

    ready = asyncio.Event()
    watch = CertificateWatch(watched=[tls], clock=Clock(), on_reload=lambda: reloads.append(len(clock.slept)))
    with pytest.raises(asyncio.CancelledError):
        await watch.run(ready.set)
    assert ready.is_set()
    assert clock.slept == [5.0] * 6
    assert reloads == [4]


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("central.stackrox", "central.stackrox", True),
        ("Central.Stackrox", "central.stackrox.", True),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", ".example.com", False),
        ("central.stackrox", "central.stackrox.svc", False),
    ],
)
def test_name_fits_a_certificate_by_whole_labels(pattern: str, name: str, fits: bool) -> None:
    assert _matches(pattern, name) is fits
