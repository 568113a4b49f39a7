"""Policies on their way out and in again over REST: all defaults, forty of our own, old and hostile ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf import json_format

from pyrox.clock import SystemClock
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from pyrox.policy.defaults import load
from tests.support.central import RunningCentral, running_central
from tests.support.own_policies import CLUSTER, own_policies

pytestmark = pytest.mark.needs("postgres")
Json = dict[str, Any]
# An imported policy is a custom one, and was changed when it was imported.
OF_AN_IMPORT = {"lastUpdated", "isDefault", "criteriaLocked", "mitreVectorsLocked"}


@dataclass(frozen=True)
class Site:
    """A Central with a cluster."""

    central: RunningCentral
    database: Settings
    cluster_id: str

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Json]:
        """Status and JSON of an answer; a body that is text goes out as it is."""
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        with self.central.client() as client:
            answer = client.request(method, path, content=content if body is not None else None, timeout=120)
        return answer.status_code, answer.json()

    def export(self, ids: list[str]) -> list[Json]:
        """The policies as they are exported."""
        status, document = self.ask("POST", "/v1/policies/export", {"policyIds": ids})
        assert status == 200, document
        policies: list[Json] = document["policies"]
        return policies

    def take(self, policies: list[Json], *, overwrite: bool = False) -> Json:
        """The answer to an import."""
        body = {"metadata": {"overwrite": overwrite}, "policies": policies}
        status, answer = self.ask("POST", "/v1/policies/import", body)
        assert status == 200, answer
        return answer

    def empty(self) -> None:
        """Take all policies away, as in an installation that never had them."""

        async def delete() -> None:
            pool = Pool(settings=self.database, clock=SystemClock())
            await pool.connect(attempts=1, create=False)
            try:
                await pool.execute("DELETE FROM policies")
            finally:
                await pool.close()

        asyncio.run(delete())


@pytest.fixture(scope="module")
def site(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_central(tmp_path_factory.mktemp("central"), database) as central:
        body = {"name": "real", "type": "KUBERNETES_CLUSTER", "mainImage": "m", "centralApiEndpoint": "c:443"}
        with central.client() as client:
            made = client.post("/v1/clusters", json=body)
        assert made.status_code == 200, made.text
        yield Site(central, database, made.json()["cluster"]["id"])


def own(site: Site) -> list[Json]:
    """Our own policies as a file has them; the cluster they name is one of this Central."""
    text = json.dumps([json_format.MessageToDict(one) for one in own_policies()])
    found: list[Json] = json.loads(text.replace(CLUSTER, site.cluster_id))
    return found


def same(policies: list[Json]) -> list[Json]:
    return [{key: value for key, value in policy.items() if key not in OF_AN_IMPORT} for policy in policies]


def test_all_defaults_and_forty_others_come_back_as_they_went(site: Site) -> None:
    first = site.take(own(site))
    assert [one["errors"] for one in first["responses"]] == [[]] * 40
    ids = [policy.id for policy in load()] + [policy.id for policy in own_policies()]
    exported = site.export(ids)
    assert len(exported) == 129
    assert {(one["SORTName"], one["SORTLifecycleStage"], one["SORTEnforcement"]) for one in exported} == {
        ("", "", False)
    }
    for policy in exported[89:]:
        assert site.ask("DELETE", f"/v1/policies/{policy['id']}") == (200, {})
    # Defaults cannot be deleted: they are taken to where there are none.
    site.empty()
    again = site.take(exported)
    assert [one["errors"] for one in again["responses"]] == [[]] * 129
    back = site.export(ids)
    assert same(back) == same(exported)
    assert {one["isDefault"] for one in back} == {False}
    stored = [site.ask("GET", f"/v1/policies/{key}")[1] for key in ids[-40:]]
    assert same(
        [{**one, "SORTName": "", "SORTLifecycleStage": "", "SORTEnforcement": False} for one in stored]
    ) == (same(back[-40:]))


def test_what_is_in_the_way_of_an_import_is_told_in_upstreams_words(site: Site) -> None:
    (policy, *_) = own(site)
    site.take([policy], overwrite=True)
    answer = site.take([policy])
    (clash,) = answer["responses"]
    assert [(one["type"], one["message"], one["duplicateName"]) for one in clash["errors"]] == [
        (kind, f'policy with id "{policy["id"]}" already exists, unable to import policy', policy["name"])
        for kind in ("duplicate_id", "duplicate_name")
    ]
    assert answer["allSucceeded"] is False


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("", ""),
        ("1", "policy version 1 is not supported"),
        ("2.0", "invalid version"),
    ],
)
def test_policy_of_an_older_version_is_upgraded_or_refused(site: Site, version: str, says: str) -> None:
    policy = {**own(site)[6], "id": "", "name": f"Of version {version!r}", "policyVersion": version}
    (answer,) = site.take([policy])["responses"]
    assert answer["succeeded"] is not bool(says)
    assert [says in one["validationError"] for one in answer["errors"]] == ([True] if says else [])
    if not says:
        (stored,) = site.export([answer["policy"]["id"]])
        assert stored["policyVersion"] == "1.1"


def _with(site: Site, field: str, value: str) -> Json:
    policy = {**own(site)[0], "id": "", "name": "A hostile policy"}
    policy["policySections"] = [
        {"sectionName": "bad", "policyGroups": [{"fieldName": field, "values": [{"value": value}]}]}
    ]
    return policy


WHERE = "policy 'A hostile policy', section 'bad', criterion"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("No Such Criterion", "x", 'policy criteria name "No Such Criterion" is invalid'),
        ("Namespace", "a" * 70_000, f"{WHERE} 'Namespace': value[0] is longer than 65536 characters"),
        ("Namespace", " " * 10_000_000, f"{WHERE} 'Namespace': value[0] is longer than 65536 characters"),
        ("Namespace", "(((((a{1000}){1000}){1000}){1000}){1000})", f"{WHERE} 'Namespace'"),
        ("Namespace", "(?=look)ahead", f"{WHERE} 'Namespace'"),
        ("Namespace", "(", f"{WHERE} 'Namespace'"),
        ("Container CPU Limit", "lots", 'policy criteria "Container CPU Limit" has invalid value[0]="lots"'),
    ],
    ids=["unknown criterion", "huge", "10 MB", "repetition", "look-ahead", "unbalanced", "no number"],
)
def test_hostile_policy_is_refused_and_its_criterion_named(
    site: Site, field: str, value: str, says: str
) -> None:
    policy = _with(site, field, value)
    status, posted = site.ask("POST", "/v1/policies", policy)
    assert status == 400
    assert says in posted["message"]
    assert len(posted["message"]) < 10_000
    (imported,) = site.take([policy])["responses"]
    assert [says in one["validationError"] for one in imported["errors"]] == [True]


def test_catastrophic_pattern_is_harmless(site: Site) -> None:
    (answer,) = site.take([_with(site, "Namespace", "(a+)+(b+)+([a-z]*)*$")])["responses"]
    assert answer["succeeded"] is True
    metadata = {"name": "a", "namespace": "a" * 60}
    yaml = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}})
    status, checked = site.ask("POST", "/v1/detect/deploy/yaml", {"yaml": yaml, "noExternalMetadata": True})
    assert (status, len(checked["runs"])) == (200, 1)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"policySections": "none"}', '(line 1:20): unexpected token "none"'),
        ('{"severity": {"a": 1}}', "severity"),
        ('{"lifecycleStages": [[]]}', "lifecycleStages"),
        ('{"disabled": "perhaps"}', "disabled"),
        ('{"lastUpdated": "yesterday"}', '(line 1:17): invalid google.protobuf.Timestamp value "yesterday"'),
        ('{"policySections":' + "[" * 20_000 + "]" * 20_000 + "}", ""),
        ('{"name": "' + "x" * (11 << 20), ""),
    ],
    ids=["no list", "no enum", "nested", "no bool", "no time", "depth", "cut off"],
)
def test_json_that_is_no_policy_is_refused(site: Site, body: str, says: str) -> None:
    status, answer = site.ask("POST", "/v1/policies", body)
    assert status == 400
    assert says in answer["message"]


def test_unknown_fields_are_passed_over_as_upstream_does(site: Site) -> None:
    policy = {**own(site)[6], "id": "", "name": "With a field too many", "nosuch": {"deep": [1, 2]}}
    (answer,) = site.take([policy])["responses"]
    assert (answer["succeeded"], "nosuch" in answer["policy"]) == (True, False)
