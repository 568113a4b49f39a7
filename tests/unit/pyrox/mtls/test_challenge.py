"""The TLS challenge between Sensor and Central."""

from __future__ import annotations

import base64

import pytest

from pyrox.errors import Invalid, NoCredentials
from pyrox.mtls import challenge
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_key
from pyrox.mtls.challenge import ServiceChain, answer, new_token, verify
from pyrox.mtls.identity import CENTRAL, Subject
from pyrox.pb.api.v1.metadata_service_pb2 import TLSChallengeResponse, TrustInfo
from tests.support.pki import SENSOR, FixedClock


def authority() -> CertificateAuthority:
    return CertificateAuthority.create(clock=FixedClock())


def chain(ca: CertificateAuthority, subject: Subject = CENTRAL) -> ServiceChain:
    issued = ca.issue(subject)
    return ServiceChain(issued.certificate, ca.certificate, load_key(issued.key_pem))


def trust(*authorities: CertificateAuthority) -> ServiceTrust:
    return ServiceTrust([ca.certificate for ca in authorities], FixedClock())


def test_token_is_thirty_two_bytes_in_base64url() -> None:
    token = new_token(lambda count: b"\xff" * count)
    assert token == "__________________________________________8="
    assert len(base64.urlsafe_b64decode(token)) == challenge.TOKEN_BYTES


def test_answer_verifies_and_tells_the_further_authorities() -> None:
    ca, proxy = authority(), authority()
    token = new_token()
    response = answer(token, chain(ca), additional=[proxy.certificate])
    verified = verify(response, token, trust(ca))
    assert verified.authorities == (ca.certificate,)
    assert verified.additional == (proxy.certificate,)
    assert len(base64.urlsafe_b64decode(verified.central_challenge)) == 32
    assert response.signature_secondary_ca == b""


def test_answer_during_rotation_verifies_for_old_and_new_clusters() -> None:
    old, new = authority(), authority()
    token = new_token()
    response = answer(token, chain(new), secondary=chain(old))
    for known in (old, new):
        assert verify(response, token, trust(known)).authorities == (new.certificate, old.certificate)


BAD_TOKENS = {
    "": 'base64 decoded challenge token must be 32 bytes long, received challenge "" was 0 bytes',
    "AAAA": 'base64 decoded challenge token must be 32 bytes long, received challenge "AAAA" was 3 bytes',
    "%%%": "challenge token must be a valid base64 string",
    "é": "challenge token must be a valid base64 string",
}


@pytest.mark.parametrize("token", BAD_TOKENS)
def test_answer_to_a_bad_token_is_invalid(token: str) -> None:
    with pytest.raises(Invalid) as caught:
        answer(token, chain(authority()))
    assert caught.value.message.startswith(f"invalid arguments: {BAD_TOKENS[token]}")


def test_answer_of_a_foreign_central_is_refused() -> None:
    token = new_token()
    with pytest.raises(NoCredentials, match="not issued by"):
        verify(answer(token, chain(authority())), token, trust(authority()))


def test_answer_of_another_service_is_refused() -> None:
    ca = authority()
    token = new_token()
    with pytest.raises(NoCredentials, match="is not Central"):
        verify(answer(token, chain(ca, SENSOR)), token, trust(ca))


def test_answer_to_another_challenge_is_refused() -> None:
    ca = authority()
    with pytest.raises(NoCredentials, match="another challenge"):
        verify(answer(new_token(), chain(ca)), new_token(), trust(ca))


def test_answer_with_a_wrong_signature_is_refused() -> None:
    ca = authority()
    token = new_token()
    response = answer(token, chain(ca))
    response.signature = answer(token, chain(ca)).signature
    with pytest.raises(NoCredentials, match="signature"):
        verify(response, token, trust(ca))


def test_secondary_chain_with_the_primary_signature_is_refused() -> None:
    old, new = authority(), authority()
    token = new_token()
    response = answer(token, chain(new), secondary=chain(old))
    response.signature_secondary_ca = response.signature
    with pytest.raises(NoCredentials, match="signature"):
        verify(response, token, trust(old))


@pytest.mark.parametrize(
    "info",
    [
        TrustInfo(sensor_challenge="t"),
        TrustInfo(sensor_challenge="t", cert_chain=[b"one"]),
        TrustInfo(sensor_challenge="t", cert_chain=[b"no", b"certificates"]),
    ],
)
def test_answer_without_a_chain_is_refused(info: TrustInfo) -> None:
    response = TLSChallengeResponse(trust_info_serialized=info.SerializeToString())
    with pytest.raises(NoCredentials):
        verify(response, "t", trust(authority()))


def test_answer_that_is_no_message_is_refused() -> None:
    with pytest.raises(NoCredentials, match="cannot be read"):
        verify(TLSChallengeResponse(trust_info_serialized=b"\xff\xff"), "t", trust(authority()))
