"""Policies as code, everything real: resources on an API server, the controller, Central on PostgreSQL."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyrox.pg.settings import Settings
from tests.conftest import shared_folder
from tests.support import kube
from tests.support.central import running_central
from tests.support.kube import Cluster
from tests.support.policy_resources import (
    ACCOUNT,
    NAMESPACE,
    SECONDS,
    PolicyCluster,
    policy_cluster,
    resource,
)
from tests.support.secured import becomes, eventually

pytestmark = [pytest.mark.needs("kube", "postgres"), pytest.mark.timeout(600)]
# Beside the ports of other tests' control planes.
_PORT = 17643


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[PolicyCluster]:
    directory = tmp_path_factory.mktemp("policies")
    with kube.control_plane(shared_folder() / "kube", directory / "kube", port=_PORT) as kubeconfig:
        arguments = ("--kubeconfig", str(kubeconfig), "--declarative", str(directory / "mounts"))
        environment = {"POD_NAMESPACE": NAMESPACE, "ROX_DECLARATIVE_CONFIG_WATCH_INTERVAL": "1s"}
        with (
            running_central(
                directory / "central", database, arguments=arguments, environment=environment
            ) as central,
            policy_cluster(Cluster(kubeconfig), central, directory) as made,
        ):
            yield made
            assert made.stop() == 0


@pytest.fixture(autouse=True)
def controller(site: PolicyCluster) -> Iterator[None]:
    """A running controller, and no resource afterwards."""
    site.ensure_started()
    yield
    site.ensure_started()
    site.delete("--all")
    assert site.policies() == {}


def applied(site: PolicyCluster, body: dict[str, Any]) -> dict[str, Any]:
    """The policy that Central lists for the resource, once it was accepted."""
    site.cluster.apply(body)
    name = body["metadata"]["name"]
    eventually(lambda: site.accepted(name), seconds=SECONDS, what=f"{name} is accepted")
    return site.policies()[body["spec"]["policyName"]]


def test_resource_is_an_externally_managed_policy_that_only_it_changes(site: PolicyCluster) -> None:
    body = resource("tags", scope=[{"namespace": "shop"}], exclusions=[{"deployment": {"name": "old-.*"}}])
    listed = applied(site, body)
    status = (site.get("tags") or {})["status"]
    assert [(one["type"], one["status"], one["message"]) for one in status["conditions"]] == [
        ("CentralDataFresh", "True", "Central caches refreshed successfully."),
        ("PolicyValidated", "True", "Policy successfully validated."),
        ("AcceptedByCentral", "True", "Policy was accepted by Central."),
    ]
    assert status["policyId"] == listed["id"]
    held = site.policy(listed["id"])
    assert (held["scope"][0]["namespace"], held["exclusions"][0]["deployment"]["name"]) == ("shop", "old-.*")
    with site.central.client() as admin:
        refused = [
            admin.put(f"/v1/policies/{held['id']}", json={**held, "severity": "HIGH_SEVERITY"}),
            admin.patch(f"/v1/policies/{held['id']}", json={"disabled": True}),
            admin.delete(f"/v1/policies/{held['id']}"),
        ]
    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert 'policy "Resource tags" is externally managed' in refused[0].json()["message"]
    assert site.policy(listed["id"]) == held
    body["spec"] |= {"policyName": "Resource tags renamed", "severity": "HIGH_SEVERITY"}
    site.cluster.apply(body)
    becomes(
        lambda: {name: (one["id"], one["severity"]) for name, one in site.policies().items()},
        lambda: {"Resource tags renamed": (listed["id"], "HIGH_SEVERITY")},
        seconds=SECONDS,
        what="the renamed policy",
    )
    site.delete("tags")
    assert site.policies() == {}


def test_resource_that_cannot_be_a_policy_says_why(site: PolicyCluster) -> None:
    site.cluster.apply(resource("default", "Latest tag"))
    site.cluster.apply(resource("cluster", scope=[{"cluster": "nowhere"}]))
    broken = {"policyGroups": [{"fieldName": "Image Age", "values": [{"value": "old"}]}]}
    site.cluster.apply(resource("criteria", policySections=[broken]))
    invalid = site.cluster.kubectl("apply", "-f", "-", body=resource("schema", severity="ENORMOUS"))
    assert 'Unsupported value: "ENORMOUS"' in invalid.stderr
    becomes(
        lambda: site.condition("default", "PolicyValidated"),
        lambda: (
            "False",
            "Failed to reconcile: existing default policy with the same name 'Latest tag' exists",
        ),
        seconds=SECONDS,
        what="the default's name is refused",
    )
    becomes(
        lambda: site.condition("cluster", "PolicyValidated"),
        lambda: ("False", "Unable to convert given spec to protobuf: Cluster 'nowhere' does not exist"),
        seconds=SECONDS,
        what="the unknown cluster is refused",
    )
    eventually(
        lambda: site.condition("criteria", "AcceptedByCentral")[1], seconds=SECONDS, what="Central refuses"
    )
    status, message = site.condition("criteria", "AcceptedByCentral")
    assert status == "False"
    assert message.startswith(
        "Failed to create policy 'Resource criteria': Failed to POST policy 'Resource criteria': "
        'Failed to create policy "": rpc error: code = InvalidArgument desc = policy invalid error'
    )
    assert site.policies() == {}
    with site.central.client() as admin:
        found = admin.get("/v1/policies", params={"query": "Policy:Latest tag"}).json()["policies"]
        assert [(one["isDefault"], one["source"]) for one in found] == [(True, "IMPERATIVE")]
        body = {"name": "nowhere", "type": "KUBERNETES_CLUSTER", "mainImage": "main"}
        made = admin.post("/v1/clusters", json=body).json()["cluster"]["id"]
    eventually(lambda: site.accepted("cluster"), seconds=SECONDS, what="the cluster that came is found")
    held = site.policy(site.policies()["Resource cluster"]["id"])
    assert held["scope"][0]["cluster"] == made


def test_name_belongs_to_the_oldest_resource_until_it_goes(site: PolicyCluster) -> None:
    first = applied(site, resource("first", "Wanted twice"))
    # Of two that were made in one second neither is older, and either may win.
    made = datetime.fromisoformat((site.get("first") or {})["metadata"]["creationTimestamp"])
    eventually(
        lambda: datetime.now(UTC) >= made + timedelta(seconds=1), seconds=SECONDS, what="the next second"
    )
    site.cluster.apply(resource("second", "Wanted twice", severity="HIGH_SEVERITY"))
    words = 'duplicate policyName "Wanted twice" is already managed by SecurityPolicy "first"'
    becomes(
        lambda: site.condition("second", "AcceptedByCentral"),
        lambda: ("False", f"{words}; policyName must be unique"),
        seconds=SECONDS,
        what="the second is refused",
    )
    assert site.policies()["Wanted twice"] == first
    site.delete("first")
    eventually(lambda: site.accepted("second"), seconds=SECONDS, what="the second has the name")
    assert site.policies()["Wanted twice"]["severity"] == "HIGH_SEVERITY"


def test_change_behind_the_controllers_back_is_undone(site: PolicyCluster) -> None:
    listed = applied(site, resource("drift"))
    with site.central.client() as admin:
        asked = {"name": "intruder", "roles": ["Configuration Controller"]}
        token = admin.post("/v1/apitokens/generate", json=asked).json()["token"]
    held = site.policy(listed["id"])
    with site.central.client(token=token) as intruder:
        changed = intruder.put(f"/v1/policies/{held['id']}", json={**held, "severity": "CRITICAL_SEVERITY"})
        assert changed.status_code == 200, changed.text
        becomes(
            lambda: site.policies()["Resource drift"]["severity"],
            lambda: "LOW_SEVERITY",
            seconds=SECONDS,
            what="the severity of the resource",
        )
        assert intruder.delete(f"/v1/policies/{held['id']}").status_code == 200
    eventually(lambda: "Resource drift" in site.policies(), seconds=SECONDS, what="the policy is back")
    becomes(
        lambda: (site.get("drift") or {})["status"]["policyId"],
        lambda: site.policies()["Resource drift"]["id"],
        seconds=SECONDS,
        what="the new policy's id",
    )


def test_controller_that_is_killed_loses_and_doubles_nothing(site: PolicyCluster) -> None:
    names = [f"many-{number}" for number in range(12)]
    for name in names:
        site.cluster.apply(resource(name))
    eventually(site.policies, seconds=SECONDS, what="the first policies")
    site.kill()
    site.delete(names[0], "--wait=false")
    site.cluster.apply(resource(names[1], severity="HIGH_SEVERITY"))
    site.ensure_started()
    wanted = {f"Resource {name}": "LOW_SEVERITY" for name in names[1:]}
    wanted["Resource many-1"] = "HIGH_SEVERITY"
    becomes(
        lambda: {name: one["severity"] for name, one in site.policies().items()},
        lambda: wanted,
        seconds=SECONDS,
        what="all policies but the deleted resource's",
    )
    eventually(lambda: site.get(names[0]) is None, seconds=SECONDS, what="the deleted resource is gone")
    assert site.probe("healthz") == 200


def test_login_of_another_account_gives_no_right(site: PolicyCluster) -> None:
    words = ("create", "token", "default", "-n", NAMESPACE, "--audience=central.stackrox.io")
    other = site.cluster.must(*words).strip()
    own = site.cluster.must("create", "token", ACCOUNT, "-n", NAMESPACE).strip()
    with site.central.client(auth=None) as client:
        answers = [client.post("/v1/auth/m2m/exchange", json={"idToken": one}) for one in (other, own)]
    assert [answer.status_code for answer in answers] == [401, 200]
    with site.central.client(token=answers[1].json()["accessToken"]) as client:
        roles = client.get("/v1/auth/status").json()["userInfo"]["roles"]
        assert [role["name"] for role in roles] == ["Configuration Controller"]
        assert client.get("/v1/alerts").status_code == 403


def test_every_default_policy_can_be_saved_applied_and_is_the_same(
    site: PolicyCluster, tmp_path: Path
) -> None:
    with site.central.client() as admin:
        listed = [one for one in admin.get("/v1/policies").json()["policies"] if one["isDefault"]]
        answer = admin.post(
            "/api/policy/custom-resource/save-as-zip", json={"ids": [one["id"] for one in listed]}
        )
    assert answer.status_code == 200, answer.text
    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path)
    assert len(list(tmp_path.iterdir())) == len(listed) == 89
    taken = site.cluster.must("apply", "--dry-run=server", "-n", NAMESPACE, "-f", str(tmp_path))
    assert taken.count("created (server dry run)") == len(listed)
    body = yaml.safe_load((tmp_path / "latest-tag.yaml").read_text())
    body["metadata"]["namespace"] = NAMESPACE
    body["spec"]["policyName"] = "Latest tag of ours"
    made = site.policy(applied(site, body)["id"])
    default = site.policy(next(one["id"] for one in listed if one["name"] == "Latest tag"))
    own = {"id", "name", "SORTName", "isDefault", "criteriaLocked", "mitreVectorsLocked", "source"}
    own |= {"lastUpdated"}
    assert {key: value for key, value in made.items() if key not in own} == {
        key: value for key, value in default.items() if key not in own
    }


def test_policy_of_a_mounted_file_comes_and_goes_with_it(site: PolicyCluster) -> None:
    mount = site.directory / "mounts" / "policies"
    mount.mkdir(parents=True)
    (mount / "policy.yaml").write_text(yaml.safe_dump(resource("mounted")))
    eventually(lambda: "Resource mounted" in site.policies(), seconds=SECONDS, what="the file's policy")
    applied(site, resource("applied"))
    with site.central.client() as admin:
        policy_id = site.policies()["Resource mounted"]["id"]
        assert admin.delete(f"/v1/policies/{policy_id}").status_code == 403
        healths = admin.get("/v1/declarative-config/health").json()["healths"]
    assert [(one["name"], one["status"]) for one in healths] == [("Config Map policies", "HEALTHY")]
    (mount / "policy.yaml").unlink()
    becomes(
        lambda: list(site.policies()),
        lambda: ["Resource applied"],
        seconds=SECONDS,
        what="only the resource's policy is left",
    )
