from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pyrox.mtls import identity
from pyrox.mtls.ca import CertificateAuthority
from services.bootstrap import material
from services.bootstrap.plan import TLS_LABEL, Action, Found, Surroundings, plan
from services.bootstrap.wanted import CENTRAL, SECURED, Kind, Wanted
from tests.support.pki import FixedClock

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
AROUND = Surroundings(now=NOW, namespace="stackrox", ca_secret="central-tls")
BY_NAME = {one.name: one for one in CENTRAL}
DATABASE = BY_NAME["central-db-tls"]
OURS = {TLS_LABEL: "true"}


def authority(age: timedelta = timedelta(0)) -> CertificateAuthority:
    return CertificateAuthority.create(clock=FixedClock(NOW - age))


def aged(ca: CertificateAuthority, age: timedelta) -> CertificateAuthority:
    """The same CA, at the time that it had so long ago."""
    return CertificateAuthority.load(ca.cert_pem, ca.key_pem, clock=FixedClock(NOW - age))


def secret(data: Mapping[str, bytes], **labels: str) -> Found:
    return Found(data, labels or OURS, "7")


def of_ca(ca: CertificateAuthority) -> Found:
    own = material.certificate(ca, BY_NAME["central-tls"], namespace="stackrox")
    return secret({**own, "ca-key.pem": ca.key_pem, "jwt-key.pem": b"key"})


def leaf(ca: CertificateAuthority, wanted: Wanted = DATABASE, namespace: str = "stackrox") -> Found:
    return secret(material.certificate(ca, wanted, namespace=namespace))


def whole(ca: CertificateAuthority) -> dict[str, Found]:
    """An installation that lacks nothing."""
    made = {one.name: leaf(ca, one) for one in CENTRAL if one.kind is Kind.CERTIFICATE}
    made |= {one.name: secret({"password": b"p"}) for one in CENTRAL if one.kind is Kind.PASSWORD}
    return made | {"central-tls": of_ca(ca), "central-htpasswd": secret({"htpasswd": b"admin:x"})}


def actions(found: Mapping[str, Found], around: Surroundings = AROUND) -> dict[str, Action]:
    return {step.wanted.name: step.action for step in plan(CENTRAL, found, around)}


def reason(found: Mapping[str, Found], name: str, around: Surroundings = AROUND) -> str:
    (text,) = [step.reason for step in plan(CENTRAL, found, around) if step.wanted.name == name]
    return text


def test_plan_of_an_empty_namespace_makes_everything_the_ca_first() -> None:
    steps = plan(CENTRAL, {}, AROUND)
    assert {step.action for step in steps} == {Action.MAKE}
    assert steps[0].wanted.name == "central-tls"
    assert {step.wanted.name for step in steps} == {
        "central-tls",
        "central-htpasswd",
        "central-db-tls",
        "central-db-password",
        "scanner-v4-indexer-tls",
        "scanner-v4-matcher-tls",
        "scanner-v4-db-tls",
        "scanner-v4-db-password",
    }


def test_plan_of_a_whole_installation_keeps_everything_silently() -> None:
    steps = plan(CENTRAL, whole(authority()), AROUND)
    assert {(step.action, step.reason) for step in steps} == {(Action.KEEP, "")}


def test_plan_puts_the_ca_first_whatever_the_order() -> None:
    assert plan(tuple(reversed(CENTRAL)), {}, AROUND)[0].wanted.name == "central-tls"


def test_run_that_was_killed_in_the_middle_is_finished() -> None:
    ca = authority()
    found = {"central-tls": of_ca(ca), "central-db-tls": leaf(ca)}
    made = {name for name, action in actions(found).items() if action is Action.MAKE}
    assert made == set(BY_NAME) - {"central-tls", "central-db-tls"}


def test_lost_ca_is_not_replaced_while_its_certificates_remain() -> None:
    found = {"central-db-tls": leaf(authority())}
    assert actions(found)["central-tls"] is Action.REFUSE
    text = reason(found, "central-tls")
    assert "central-db-tls" in text
    assert "from a backup" in text


@pytest.mark.parametrize("key", ["ca.pem", "ca-key.pem", "jwt-key.pem", "cert.pem", "key.pem"])
def test_ca_secret_without_a_key_is_refused_by_name(key: str) -> None:
    ca = authority()
    found = whole(ca)
    data = {name: value for name, value in found["central-tls"].data.items() if name != key}
    found["central-tls"] = secret(data)
    assert actions(found)["central-tls"] is Action.REFUSE
    assert f"{key!r}" in reason(found, "central-tls")
    assert actions(found)["central-db-password"] is Action.KEEP


def test_password_secret_without_its_key_is_refused_and_the_rest_goes_on() -> None:
    found = {"central-db-password": secret({"Password": b"p"})}
    text = reason(found, "central-db-password")
    assert "secret central-db-password has no key 'password'" in text
    assert "delete the secret" in text
    assert actions(found)["central-tls"] is Action.MAKE


def test_empty_password_counts_as_missing() -> None:
    assert actions({"central-db-password": secret({"password": b""})})["central-db-password"] is Action.REFUSE


def test_certificate_of_another_ca_is_refused() -> None:
    found = {"central-tls": of_ca(authority()), "central-db-tls": leaf(authority())}
    assert actions(found)["central-db-tls"] is Action.REFUSE
    assert "cert.pem is not of the CA in secret central-tls" in reason(found, "central-db-tls")


def test_certificate_beside_another_ca_is_refused() -> None:
    ca = authority()
    data = {**leaf(ca).data, "ca.pem": authority().cert_pem}
    found = {"central-tls": of_ca(ca), "central-db-tls": secret(data)}
    assert "ca.pem is not the CA that issued cert.pem" in reason(found, "central-db-tls")


def test_key_of_another_certificate_is_refused() -> None:
    ca = authority()
    data = {**leaf(ca).data, "key.pem": leaf(ca).data["key.pem"]}
    found = {"central-tls": of_ca(ca), "central-db-tls": secret(data)}
    assert "key.pem does not belong to cert.pem" in reason(found, "central-db-tls")


def test_certificate_of_another_service_is_refused() -> None:
    ca = authority()
    found = {"central-tls": of_ca(ca), "central-db-tls": leaf(ca, BY_NAME["scanner-v4-db-tls"])}
    text = reason(found, "central-db-tls")
    assert "is for 'SCANNER_V4_DB_SERVICE: Scanner V4 DB', not for 'CENTRAL_DB_SERVICE: Central DB'" in text


def test_certificate_for_another_namespace_is_refused() -> None:
    ca = authority()
    around = replace(AROUND, namespace="acs")
    found = {"central-tls": of_ca(ca), "central-db-tls": leaf(ca)}
    assert "does not name the host central-db.acs.svc" in reason(found, "central-db-tls", around)


@pytest.mark.parametrize("pem", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_certificate_that_cannot_be_read_is_refused(pem: bytes) -> None:
    ca = authority()
    found = {"central-tls": of_ca(ca), "central-db-tls": secret({**leaf(ca).data, "cert.pem": pem})}
    assert actions(found)["central-db-tls"] is Action.REFUSE
    assert "secret central-db-tls" in reason(found, "central-db-tls")


def test_kind_of_key_that_no_service_has_is_refused() -> None:
    ca = authority()
    strange = ed25519.Ed25519PrivateKey.generate()
    pem = strange.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    found = {"central-tls": of_ca(ca), "central-db-tls": secret({**leaf(ca).data, "key.pem": pem})}
    assert "neither ECDSA nor RSA" in reason(found, "central-db-tls")


def test_expired_certificate_names_the_flag_that_renews_it() -> None:
    ca = authority(timedelta(days=400))
    found = {"central-tls": of_ca(aged(ca, timedelta(0))), "central-db-tls": leaf(ca)}
    assert actions(found)["central-db-tls"] is Action.REFUSE
    assert "run again with --renew" in reason(found, "central-db-tls")
    assert actions(found, replace(AROUND, renew=True))["central-db-tls"] is Action.RENEW


def test_certificate_past_half_of_its_life_is_kept_with_a_note_and_renewed_when_asked() -> None:
    ca = authority(timedelta(days=200))
    found = whole(ca)
    assert actions(found)["central-tls"] is Action.KEEP
    assert "past half of its life" in reason(found, "central-tls")
    renewed = {n for n, a in actions(found, replace(AROUND, renew=True)).items() if a is Action.RENEW}
    assert renewed == {one.name for one in CENTRAL if one.has_certificate}


def test_young_certificate_is_not_renewed() -> None:
    found = whole(authority(timedelta(days=180)))
    assert set(actions(found, replace(AROUND, renew=True)).values()) == {Action.KEEP}


def test_certificate_of_another_tool_is_never_renewed() -> None:
    ca = authority(timedelta(days=400))
    data = leaf(ca).data
    found = {"central-tls": of_ca(aged(ca, timedelta(0))), "central-db-tls": secret(data, issuer="other")}
    around = replace(AROUND, renew=True)
    assert actions(found, around)["central-db-tls"] is Action.REFUSE
    assert "renew it where it comes from" in reason(found, "central-db-tls", around)


def test_ca_that_ended_is_told_once_for_everything_that_needs_it() -> None:
    found = whole(authority(timedelta(days=5 * 365 + 1)))
    refused = {step.reason for step in plan(CENTRAL, found, AROUND) if step.action is Action.REFUSE}
    assert len(refused) == 1
    assert "its CA ended at" in refused.pop()
    assert actions(found)["central-db-password"] is Action.KEEP


def test_ca_in_its_last_year_is_kept_with_a_note() -> None:
    old = authority(timedelta(days=4 * 365 + 2))
    found = whole(aged(old, timedelta(0)))
    assert set(actions(found).values()) == {Action.KEEP}
    assert "its CA ends at 2027-11-2" in reason(found, "central-tls")
    assert not reason(found, "central-db-tls")


def test_ca_key_of_another_ca_is_refused() -> None:
    found = whole(authority())
    found["central-tls"] = secret({**found["central-tls"].data, "ca-key.pem": authority().key_pem})
    assert "ca-key.pem does not belong to ca.pem" in reason(found, "central-tls")


def test_second_ca_in_the_file_vouches_for_its_certificates_too() -> None:
    first, second = authority(), authority()
    found = whole(first)
    both = {**found["central-tls"].data, "ca.pem": first.cert_pem + second.cert_pem}
    found |= {"central-tls": secret(both), "central-db-tls": leaf(second)}
    assert actions(found)["central-db-tls"] is Action.KEEP


def test_leaves_without_the_ca_secret_say_which_secret_is_missing() -> None:
    around = replace(AROUND, ca_secret="my-ca")
    (step,) = plan([DATABASE], {}, around)
    assert step.action is Action.REFUSE
    assert "secret my-ca with the CA is missing" in step.reason


def test_leaves_are_made_with_a_ca_secret_of_another_name() -> None:
    around = replace(AROUND, ca_secret="my-ca")
    (step,) = plan([DATABASE], {"my-ca": of_ca(authority())}, around)
    assert step.action is Action.MAKE


def test_passwords_need_no_ca() -> None:
    (step,) = plan(SECURED, {}, replace(AROUND, ca_secret=""))
    assert (step.wanted.name, step.action) == ("scanner-v4-db-password", Action.MAKE)


def test_wildcard_certificate_covers_the_host() -> None:
    ca = authority()
    issued = ca.issue(identity.CENTRAL_DB, namespace="other", extra_names=["*.acs.svc"])
    data = {"ca.pem": ca.cert_pem, "cert.pem": issued.cert_pem, "key.pem": issued.key_pem}
    found = {"central-tls": of_ca(ca), "central-db-tls": secret(data)}
    (step,) = plan([DATABASE], found, replace(AROUND, namespace="acs"))
    assert step.action is Action.KEEP
