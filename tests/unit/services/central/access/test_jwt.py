"""Tokens that Central signs and verifies."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

from pyrox.errors import NoCredentials
from services.central.access.jwt import API_TOKEN_SOURCE, Claims, TokenIssuer, key_pem, load_key

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class FixedClock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None: ...


@pytest.fixture(scope="module")
def key() -> RSAKey:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return RSAKey.import_key(pem)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def issuer(key: RSAKey, clock: FixedClock) -> TokenIssuer:
    return TokenIssuer(key=key, clock=clock)


def api_claims(**changes: object) -> Claims:
    fields = {"source": API_TOKEN_SOURCE, "id": "t1", "issued": NOW, "expires": NOW + timedelta(days=1)}
    return Claims(**{**fields, "name": "ci", "roles": ("Continuous Integration",), **changes})  # type: ignore[arg-type]


def parts(token: str) -> tuple[dict[str, object], dict[str, object]]:
    def decode(text: str) -> dict[str, object]:
        loaded: dict[str, object] = json.loads(base64.urlsafe_b64decode(text + "=="))
        return loaded

    head, body, _ = token.split(".")
    return decode(head), decode(body)


def test_sign_api_token_carries_upstream_header_and_claims(issuer: TokenIssuer) -> None:
    head, body = parts(issuer.sign(api_claims()))
    assert head == {"alg": "RS256", "typ": "JWT", "kid": "jwtk0"}
    assert body["iss"] == "https://stackrox.io/jwt"
    assert body["aud"] == ["https://stackrox.io/jwt-sources#api-tokens"]
    assert body["roles"] == ["Continuous Integration"]
    assert body["jti"] == "t1"


def test_verify_signed_token_round_trips(issuer: TokenIssuer) -> None:
    assert issuer.verify(issuer.sign(api_claims())) == api_claims()
    user = Claims(
        source="provider",
        id="u1",
        issued=NOW,
        expires=NOW + timedelta(hours=12),
        user_id="u",
        full_name="U Ser",
        attributes={"groups": ("a", "b")},
    )
    assert issuer.verify(issuer.sign(user)) == user


def test_verify_expired_token_is_refused(issuer: TokenIssuer, clock: FixedClock) -> None:
    token = issuer.sign(api_claims())
    clock.moment = NOW + timedelta(days=1)
    with pytest.raises(NoCredentials):
        issuer.verify(token)


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 20_000, "eyJhbGciOiJub25lIn0.e30."])
def test_verify_garbage_is_refused_with_upstreams_words(issuer: TokenIssuer, token: str) -> None:
    with pytest.raises(NoCredentials) as refused:
        issuer.verify(token)
    assert refused.value.message == (
        "credentials not found: token-based: cannot extract identity: token validation failed"
    )


def test_verify_token_of_another_key_is_refused(issuer: TokenIssuer, clock: FixedClock) -> None:
    other = RSAKey.generate_key(2048)
    with pytest.raises(NoCredentials):
        issuer.verify(TokenIssuer(key=other, clock=clock).sign(api_claims()))


def test_verify_tampered_roles_are_refused(issuer: TokenIssuer) -> None:
    head, body, signature = issuer.sign(api_claims()).split(".")
    loaded = json.loads(base64.urlsafe_b64decode(body + "=="))
    loaded["roles"] = ["Admin"]
    forged = base64.urlsafe_b64encode(json.dumps(loaded).encode()).decode().rstrip("=")
    with pytest.raises(NoCredentials):
        issuer.verify(f"{head}.{forged}.{signature}")


def test_load_key_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"jwt-key\.pem"):
        load_key(tmp_path)


def deep_token() -> str:
    header = base64.urlsafe_b64encode(b"[" * 8000).decode().rstrip("=")
    return f"{header}.e30.c2ln"


@pytest.mark.parametrize("token", ["", "abc", "a.b.c", "x" * 20_000, deep_token()])
def test_text_that_is_no_token_counts_as_ours_and_is_refused(issuer: TokenIssuer, token: str) -> None:
    assert issuer.is_ours(token)
    with pytest.raises(NoCredentials, match="token validation failed"):
        issuer.verify(token)


def test_token_of_another_key_is_not_ours(issuer: TokenIssuer) -> None:
    foreign = jwt.encode({"alg": "RS256", "kid": "other"}, {"iss": "https://x"}, RSAKey.generate_key(2048))
    assert not issuer.is_ours(foreign)


@pytest.mark.parametrize("encoding", [serialization.Encoding.DER, serialization.Encoding.PEM])
def test_key_pem_is_traditional_whatever_the_file_is(
    tmp_path: Path, encoding: serialization.Encoding
) -> None:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = "jwt-key.der" if encoding is serialization.Encoding.DER else "jwt-key.pem"
    (tmp_path / name).write_bytes(
        made.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    text = key_pem(tmp_path)
    assert text.startswith(b"-----BEGIN RSA PRIVATE KEY-----\n")
    assert serialization.load_pem_private_key(text, password=None).private_numbers() == made.private_numbers()  # type: ignore[union-attr]  # an RSA key
