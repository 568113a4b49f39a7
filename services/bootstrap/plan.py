"""What exists and what is wanted: from both, what to do about each secret, with the reason.

`app.py` reads the secrets, asks `plan`, and does what it says. Pure: no clock, no
Kubernetes, and nothing is made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from pyrox.errors import Invalid
from pyrox.mtls.ca import load_certificates, load_key
from pyrox.mtls.identity import Subject, service_slug, subject_of
from services.bootstrap.wanted import Kind, Wanted

TLS_LABEL = "rhacs.redhat.com/tls"
_LAST_YEAR = timedelta(days=365)
_ANEW = "or delete the secret so that it is made anew"


@dataclass(frozen=True, slots=True)
class Found:
    """A secret as it is in the cluster."""

    data: Mapping[str, bytes]
    labels: Mapping[str, str]
    version: str
    """The resource version, so that a change in between is noticed."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a plan depends on beside the secrets."""

    now: datetime
    namespace: str
    ca_secret: str
    renew: bool = False


class Action(Enum):
    """What to do about one secret."""

    KEEP = "keep"
    MAKE = "make"
    RENEW = "renew"
    """Replace certificate and key, keep everything else."""
    REFUSE = "refuse"
    """It cannot be used as it is, and is not ours to change."""


@dataclass(frozen=True, slots=True)
class Step:
    """One secret and what to do about it."""

    wanted: Wanted
    action: Action
    reason: str = ""
    """Of a refusal with the next step; else worth knowing, or empty."""


def plan(wanted: Sequence[Wanted], found: Mapping[str, Found], around: Surroundings) -> tuple[Step, ...]:
    """One step a secret, the CA first, since the others need it."""
    problem = ""
    authorities: list[x509.Certificate] = []
    ca_wanted = any(one.kind is Kind.AUTHORITY and one.name == around.ca_secret for one in wanted)
    if around.ca_secret in found:
        authorities, problem = _authorities(found[around.ca_secret], around)
    elif not ca_wanted:
        problem = f"secret {around.ca_secret} with the CA is missing; create it with ca.pem and ca-key.pem"
    steps = []
    for one in sorted(wanted, key=lambda one: one.kind is not Kind.AUTHORITY):
        if one.has_certificate and problem:
            steps.append(Step(one, Action.REFUSE, problem))
        elif one.name in found:
            steps.append(_existing(one, found[one.name], authorities, around))
        elif one.kind is Kind.AUTHORITY:
            steps.append(_new_authority(one, [other for other in wanted if other.has_certificate], found))
        else:
            steps.append(Step(one, Action.MAKE))
    return tuple(steps)


def _authorities(secret: Found, around: Surroundings) -> tuple[list[x509.Certificate], str]:
    """The CAs of the secret, and why they cannot be used, if so."""
    name = around.ca_secret
    for key in ("ca.pem", "ca-key.pem"):
        if key not in secret.data:
            return [], f"secret {name} has no key {key!r}, so nothing can be issued; add it"
    try:
        certificates = load_certificates(secret.data["ca.pem"])
        key_of_ca = load_key(secret.data["ca-key.pem"])
    except Invalid as err:
        return [], f"secret {name}: its CA cannot be read: {err.message}"
    if certificates[0].public_key() != key_of_ca.public_key():
        return [], f"secret {name}: ca-key.pem does not belong to ca.pem; bring both from one backup"
    if certificates[0].not_valid_after_utc <= around.now:
        return [], (
            f"secret {name}: its CA ended at {certificates[0].not_valid_after_utc}; delete this secret and "
            "the other *-tls secrets, then give every secured cluster a new init bundle"
        )
    return certificates, ""


def _new_authority(one: Wanted, leaves: Sequence[Wanted], found: Mapping[str, Found]) -> Step:
    """A new CA, unless certificates of a lost one remain, which it could not vouch for."""
    orphans = [leaf.name for leaf in leaves if leaf.name in found]
    if not orphans:
        return Step(one, Action.MAKE)
    return Step(
        one,
        Action.REFUSE,
        f"secret {one.name} is missing, but certificates of its CA are there: {', '.join(orphans)}; bring it "
        "back from a backup, or delete these secrets too for a new CA",
    )


def _existing(
    one: Wanted, secret: Found, authorities: Sequence[x509.Certificate], around: Surroundings
) -> Step:
    missing = [key for key in one.kind.value if not secret.data.get(key)]
    if missing:
        keys = ", ".join(map(repr, missing))
        return Step(one, Action.REFUSE, f"secret {one.name} has no key {keys}; add what is missing, {_ANEW}")
    if one.subject is None:
        return Step(one, Action.KEEP)
    try:
        leaf = load_certificates(secret.data["cert.pem"])[0]
        fault = _fault(one.subject, leaf, secret, authorities, around)
    except Invalid as err:
        fault = err.message
    if fault:
        return Step(one, Action.REFUSE, f"secret {one.name}: {fault}; mend it, {_ANEW}")
    return _by_age(one, leaf, secret, around)


def _fault(
    subject: Subject,
    leaf: x509.Certificate,
    secret: Found,
    authorities: Sequence[x509.Certificate],
    around: Surroundings,
) -> str:
    """Why the certificate is of no use, whatever its times say; empty when it is right."""
    if load_key(secret.data["key.pem"]).public_key() != leaf.public_key():
        return "key.pem does not belong to cert.pem"
    if not any(issued_by(leaf, authority) for authority in authorities):
        return f"cert.pem is not of the CA in secret {around.ca_secret}"
    if not any(issued_by(leaf, authority) for authority in load_certificates(secret.data["ca.pem"])):
        return "ca.pem is not the CA that issued cert.pem"
    if (held := subject_of(leaf)).type != subject.type:
        return f"cert.pem is for {held.common_name!r}, not for {subject.common_name!r}"
    host = f"{service_slug(subject.type)}.{around.namespace}.svc"
    if not any(_covers(pattern, host) for pattern in _dns_names(leaf)):
        return f"cert.pem does not name the host {host}"
    return ""


def _by_age(one: Wanted, leaf: x509.Certificate, secret: Found, around: Surroundings) -> Step:
    start, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    # What cert-manager or a user's own tool issues has no such label and is theirs to renew.
    ours = secret.labels.get(TLS_LABEL) == "true"
    if around.now < start + (end - start) / 2:
        return Step(one, Action.KEEP, _on_authority(one, secret, around.now))
    if ours and around.renew:
        return Step(one, Action.RENEW, f"its certificate ends at {end}")
    remedy = "run again with --renew" if ours else "renew it where it comes from"
    if around.now > end:
        return Step(
            one, Action.REFUSE, f"secret {one.name}: its certificate ended at {end}; {remedy}, {_ANEW}"
        )
    return Step(one, Action.KEEP, f"its certificate is past half of its life and ends at {end}; {remedy}")


def _on_authority(one: Wanted, secret: Found, now: datetime) -> str:
    """What to know of a CA whose last year has begun: what it issues now ends with it."""
    if one.kind is not Kind.AUTHORITY:
        return ""
    end = load_certificates(secret.data["ca.pem"])[0].not_valid_after_utc
    if end - now > _LAST_YEAR:
        return ""
    return f"its CA ends at {end}, and with it every certificate: plan the change to a new one before"


def issued_by(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether this CA signed the certificate."""
    try:
        leaf.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _dns_names(leaf: x509.Certificate) -> Sequence[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return names.get_values_for_type(x509.DNSName)


def _covers(pattern: str, host: str) -> bool:
    """Whether a DNS name of a certificate covers the host; a star stands for one first label."""
    return pattern == host or (pattern.startswith("*.") and host.partition(".")[2] == pattern[2:])
