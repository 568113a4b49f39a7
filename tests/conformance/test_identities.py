"""Missing and wrong identities are refused on every RPC of Central.

Generated from the descriptors and the servicers' tables, over gRPC: nobody, bad tokens,
basic auth with a wrong password, a role without rights, certificates of other services,
of another CA, and expired ones.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from pyrox.mtls.identity import CENTRAL, Subject
from pyrox.mtls.reload import CertFiles
from pyrox.pg.settings import Settings
from pyrox.rpc.authz import (
    Anonymous,
    AnyOf,
    Authenticated,
    HasRole,
    Identified,
    Permissions,
    Rule,
    Services,
)
from pyrox.rpc.httprule import Route, routes
from pyrox.rpc.methods import Method
from services.central.backups.permissions import WholeDatabase
from tests.support import served
from tests.support.central import RunningCentral, running_central
from tests.support.pki import CLUSTER_ID, COLLECTOR, SENSOR, Pki
from tests.support.rpc_caller import call, channel

pytestmark = [pytest.mark.needs("postgres")]
METHODS = list(served.methods())
REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
# Services that call Central, each of which some methods let in and others must not.
SUBJECTS = (
    SENSOR,
    COLLECTOR,
    Subject("ADMISSION_CONTROL_SERVICE", CLUSTER_ID),
    Subject("SCANNER_V4_INDEXER_SERVICE", "SCANNER_V4_INDEXER_SERVICE"),
    CENTRAL,
)


def lets_in_anybody(rule: Rule) -> bool:
    return isinstance(rule, Anonymous) or (isinstance(rule, AnyOf) and any(map(lets_in_anybody, rule.rules)))


def lets_in_without_rights(rule: Rule) -> bool:
    """Whether being logged in is enough."""
    if isinstance(rule, AnyOf):
        return any(map(lets_in_without_rights, rule.rules))
    return isinstance(rule, Anonymous | Authenticated | Identified) or rule == Permissions()


def lets_in_service(rule: Rule, subject: Subject) -> bool:
    if isinstance(rule, AnyOf):
        return any(lets_in_service(part, subject) for part in rule.rules)
    return isinstance(rule, Anonymous | Identified) or (
        isinstance(rule, Services) and subject.type in rule.types
    )


GUARDED = [method for method in METHODS if not lets_in_anybody(method.rule)]


@dataclass
class Site:
    """A Central, and credentials of people and services that it must not mistake."""

    central: RunningCentral
    powerless: str
    certificates: dict[Subject, CertFiles]
    expired: CertFiles
    foreign: CertFiles


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[Site]:
    directory: Path = tmp_path_factory.mktemp("central")
    with running_central(directory, database) as central:
        with central.client() as client:
            made = client.post("/v1/apitokens/generate", json={"name": "none", "roles": ["None"]})
            powerless = made.raise_for_status().json()["token"]
        yield Site(
            central=central,
            powerless=powerless,
            certificates={subject: central.pki.files(subject) for subject in SUBJECTS},
            expired=central.pki.expired(SENSOR),
            foreign=Pki(directory / "foreign").files(SENSOR),
        )


def ident(method: Method) -> str:
    return method.path


@pytest.mark.parametrize("method", GUARDED, ids=ident)
def test_method_without_identity_is_refused(site: Site, method: Method) -> None:
    with channel(site.central) as opened:
        status, text, answers = call(opened, method)
    assert status in REFUSED, (status, text)
    assert not answers


@pytest.mark.parametrize("route", list(routes(GUARDED)), ids=lambda route: f"{route.verb} {route.template}")
def test_route_without_identity_is_refused(site: Site, route: Route) -> None:
    with site.central.client(auth=None) as client:
        answer = client.request(route.verb, route.template.replace("{", "").replace("}", ""), content=b"")
    assert answer.status_code in {401, 403}, answer.text
    body = answer.json()
    # A stream tells its error in a line of its own.
    assert (body["error"] if route.method.server_streaming else body)["code"] in {16, 7}


@pytest.mark.parametrize("method", GUARDED, ids=ident)
def test_method_with_bad_token_is_refused(site: Site, method: Method) -> None:
    with channel(site.central) as opened:
        for token in ("bogus", site.powerless[:-6] + "AAAAAA", "eyJhbGciOiJub25lIn0.e30."):
            status, text, answers = call(opened, method, token=token)
            assert status in REFUSED, (token, status, text)
            assert not answers


@pytest.mark.parametrize("method", GUARDED, ids=ident)
def test_method_with_wrong_password_is_refused(site: Site, method: Method) -> None:
    wrong = base64.b64encode(b"admin:wrong").decode()
    with channel(site.central) as opened:
        status, text, _ = call(opened, method, authorization=f"Basic {wrong}")
    assert status in REFUSED, (status, text)


@pytest.mark.parametrize(
    "method", [one for one in METHODS if not lets_in_without_rights(one.rule)], ids=ident
)
def test_method_with_role_without_rights_is_refused(site: Site, method: Method) -> None:
    with channel(site.central) as opened:
        status, text, answers = call(opened, method, token=site.powerless)
    assert status in REFUSED, (status, text)
    assert not answers


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.type)
@pytest.mark.parametrize("method", GUARDED, ids=ident)
def test_service_calls_only_what_names_it(site: Site, method: Method, subject: Subject) -> None:
    if lets_in_service(method.rule, subject):
        pytest.skip("this service may call it; its own tests do")
    with channel(site.central, site.certificates[subject]) as opened:
        status, text, answers = call(opened, method)
    assert status in REFUSED, (status, text)
    assert not answers


@pytest.mark.parametrize("method", GUARDED, ids=ident)
@pytest.mark.parametrize("which", ["expired", "foreign"])
def test_bad_certificate_opens_nothing(site: Site, method: Method, which: str) -> None:
    with channel(site.central, getattr(site, which)) as opened:
        status, text, answers = call(opened, method)
    # The handshake may fail already.
    assert status in {*REFUSED, grpc.StatusCode.UNAVAILABLE}, (status, text)
    assert not answers


def test_every_rule_is_of_a_known_kind() -> None:
    known = (Anonymous, Authenticated, Identified, Permissions, HasRole, Services, AnyOf, WholeDatabase)
    assert [method.path for method in METHODS if not isinstance(method.rule, known)] == []
    assert len(GUARDED) > 100
