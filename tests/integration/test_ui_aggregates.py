"""The portal's aggregates on a real database: contract, meaning, scopes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pyrox.clock import SystemClock
from pyrox.errors import Invalid, NotFound
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING, NOTHING, Scope
from services.central.images.store import ImageStore
from services.central.ui.dashboard import DashboardStore
from services.central.ui.listing import Listing
from services.central.ui.prelude import Scopes
from services.central.ui.store import VulnerabilityStore
from tests.support.fleet import BLUE, GREEN, PLACES, RED, SHARED_CVE, Fleet, Place, image

pytestmark = pytest.mark.needs("postgres")
CONTRACT = json.loads((Path(__file__).parents[2] / "ui" / "src" / "api" / "contract.json").read_text())
ALL = Scopes(images=EVERYTHING, deployments=EVERYTHING)
ONLY_RED = Scope(namespaces={RED.cluster_id: frozenset({"red"})})
RED_SCOPES = Scopes(images=ONLY_RED, deployments=ONLY_RED)
NOWHERE = Scopes(images=NOTHING, deployments=NOTHING)


def fits(answer: Any, name: str) -> None:
    """Raise unless the answer is what the contract says."""
    schema = {"$ref": f"#/$defs/{name}", "$defs": CONTRACT["$defs"]}
    Draft202012Validator(schema).validate(json.loads(json.dumps(answer)))


@pytest.fixture
async def store(central_pool: Pool) -> VulnerabilityStore:
    fleet = Fleet(central_pool)
    await fleet.clear()
    await fleet.write()
    return VulnerabilityStore(pool=central_pool)


def names(answer: dict[str, Any], key: str) -> list[str]:
    return [item[key] for item in answer["items"]]


async def test_counts_are_of_the_scope(store: VulnerabilityStore) -> None:
    assert await store.counts("", ALL) == {"cves": 4, "images": 3, "deployments": 3}
    assert await store.counts("", RED_SCOPES) == {"cves": 2, "images": 1, "deployments": 1}
    assert await store.counts("", NOWHERE) == {"cves": 0, "images": 0, "deployments": 0}
    fits(await store.counts("", ALL), "EntityCounts")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Severity:CRITICAL_VULNERABILITY_SEVERITY", {"cves": 2, "images": 1, "deployments": 1}),
        # Both terms hold of one finding: the fixable one is red's own.
        ("Severity:CRITICAL_VULNERABILITY_SEVERITY+Fixable:true", {"cves": 1, "images": 1, "deployments": 1}),
        ("Fixable:true+CVE:CVE-2024-0001", {"cves": 0, "images": 0, "deployments": 0}),
        ("Namespace:blue", {"cves": 2, "images": 1, "deployments": 1}),
        ("Cluster:alpha", {"cves": 3, "images": 2, "deployments": 2}),
        ("Image:registry.example/green", {"cves": 2, "images": 1, "deployments": 1}),
        ("Component:common", {"cves": 1, "images": 3, "deployments": 3}),
        ("Namespace:blue+Component:red-lib", {"cves": 0, "images": 0, "deployments": 0}),
        ("No Such Field:x", {"cves": 4, "images": 3, "deployments": 3}),
    ],
)
async def test_terms_hold_of_one_row(store: VulnerabilityStore, query: str, expected: dict[str, int]) -> None:
    assert await store.counts(query, ALL) == expected


async def test_cves_count_images_at_their_severest(store: VulnerabilityStore) -> None:
    answer = await store.cves("", Listing(), ALL)
    fits(answer, "CvePage")
    assert answer["total"] == 4
    assert names(answer, "cve") == [SHARED_CVE, RED.cve, BLUE.cve, GREEN.cve]
    shared = answer["items"][0]
    assert shared["severityCounts"] == {"critical": 1, "important": 0, "moderate": 1, "low": 1, "unknown": 0}
    assert (shared["imageCount"], shared["deploymentCount"], shared["fixable"]) == (3, 3, False)
    assert shared["summary"] == "shared, seen in red"
    own = answer["items"][1]
    assert (own["topCvss"], own["epssProbability"], own["fixable"]) == (7.5, 0.25, True)


async def test_cves_of_a_namespace_know_nothing_of_others(store: VulnerabilityStore) -> None:
    answer = await store.cves("", Listing(), RED_SCOPES)
    assert names(answer, "cve") == [SHARED_CVE, RED.cve]
    assert answer["items"][0]["imageCount"] == 1
    assert not leaks(answer, RED)


def leaks(answer: Any, own: Place) -> bool:
    text = json.dumps(answer)
    return any(place.name in text or place.digest in text for place in PLACES if place is not own)


async def test_pages_do_not_overlap_and_keep_the_total(store: VulnerabilityStore) -> None:
    seen: list[str] = []
    for offset in range(4):
        answer = await store.cves("", Listing(limit=1, offset=offset, sort="cve"), ALL)
        assert answer["total"] == 4
        seen += names(answer, "cve")
    assert seen == sorted([SHARED_CVE, RED.cve, BLUE.cve, GREEN.cve])
    assert await store.cves("", Listing(offset=50), ALL) == {"total": 4, "items": []}


async def test_images_without_findings_are_listed_unless_findings_are_asked_for(
    store: VulnerabilityStore, central_pool: Pool
) -> None:
    bare = Place("alpha", "bare")
    await Fleet(central_pool, (bare,)).write()
    await central_pool.execute("DELETE FROM image_cves_v2 WHERE imageidv2 = $1", bare.image_id)
    answer = await store.images("", Listing(), ALL)
    fits(answer, "ImagePage")
    assert bare.image in names(answer, "name")
    assert bare.image not in names(await store.images("Severity:*", Listing(), ALL), "name")
    listed = await store.deployments("", Listing(), ALL)
    assert "bare-web" in names(listed, "name")
    assert "bare-web" not in names(await store.deployments("CVE:CVE", Listing(), ALL), "name")


async def test_image_rows_count_cves_that_match(store: VulnerabilityStore) -> None:
    (row,) = (await store.images('CVE:"CVE-2024-red"', Listing(), ALL))["items"]
    assert row["name"] == RED.image
    assert row["severityCounts"]["critical"] == 1
    assert row["fixableCounts"] == {"fixable": 1, "notFixable": 0}
    (whole,) = (await store.images("", Listing(), RED_SCOPES))["items"]
    assert whole["severityCounts"]["critical"] == 2
    assert (whole["operatingSystem"], whole["scanned"], whole["deploymentCount"]) == ("red-os:1", True, 1)


async def test_deployments_have_their_place(store: VulnerabilityStore) -> None:
    answer = await store.deployments("", Listing(sort="name"), ALL)
    fits(answer, "DeploymentPage")
    assert names(answer, "name") == ["blue-web", "green-web", "red-web"]
    blue = answer["items"][0]
    assert (blue["clusterName"], blue["namespace"], blue["imageCount"]) == ("alpha", "blue", 1)
    assert blue["severityCounts"]["moderate"] == 2
    assert names(await store.deployments("", Listing(), RED_SCOPES), "name") == ["red-web"]


@pytest.mark.parametrize(
    "endpoint", [e for e in CONTRACT["endpoints"] if "sort" in e], ids=lambda e: e["path"]
)
async def test_every_sort_key_of_the_contract_works_both_ways(
    store: VulnerabilityStore, endpoint: dict[str, Any]
) -> None:
    async def ask(sort: str) -> dict[str, Any]:
        listing = Listing(sort=sort)
        match endpoint["response"]:
            case "CvePage":
                return await store.cves("", listing, ALL)
            case "ImagePage":
                return await store.images("", listing, ALL)
            case "DeploymentPage":
                return await store.deployments("", listing, ALL)
        return await store.image_cves(RED.image_id, "", listing, ALL)

    for key in endpoint["sort"]:
        for sort in (key, f"-{key}"):
            answer = await ask(sort)
            fits(answer, endpoint["response"])
            assert answer["total"] == len(answer["items"])
    with pytest.raises(Invalid, match="cannot sort by 'bogus'"):
        await ask("bogus")


async def test_cve_detail_has_one_row_an_operating_system(store: VulnerabilityStore) -> None:
    answer = await store.cve(SHARED_CVE, "", ALL)
    fits(answer, "CveDetail")
    assert [one["operatingSystem"] for one in answer["distros"]] == ["red-os:1", "blue-os:1", "green-os:1"]
    assert (answer["imageCount"], answer["totalImages"], answer["summary"]) == (3, 3, "shared, seen in red")
    narrowed = await store.cve(SHARED_CVE, "", RED_SCOPES)
    assert (narrowed["imageCount"], narrowed["totalImages"]) == (1, 1)
    assert not leaks(narrowed, RED)


async def test_cve_detail_with_a_query_that_hides_it_counts_nothing(store: VulnerabilityStore) -> None:
    answer = await store.cve(BLUE.cve, "Namespace:red", ALL)
    fits(answer, "CveDetail")
    assert (answer["imageCount"], answer["totalImages"], answer["distros"]) == (0, 1, [])


async def test_objects_outside_the_scope_do_not_exist(store: VulnerabilityStore) -> None:
    with pytest.raises(NotFound):
        await store.cve(BLUE.cve, "", RED_SCOPES)
    with pytest.raises(NotFound):
        await store.image(BLUE.image_id, "", RED_SCOPES)
    with pytest.raises(NotFound):
        await store.image_cves(BLUE.image_id, "", Listing(), RED_SCOPES)
    with pytest.raises(NotFound):
        await store.image("no such id", "", ALL)


async def test_image_detail_tells_names_and_counts(store: VulnerabilityStore, central_pool: Pool) -> None:
    answer = await store.image(RED.image_id, "", RED_SCOPES)
    fits(answer, "ImageDetail")
    assert (answer["dataSource"], answer["componentCount"], answer["notes"]) == ("Scanner V4", 2, [])
    assert answer["fixableCounts"] == {"fixable": 1, "notFixable": 1}
    unmatched = await store.image(RED.image_id, "Fixable:true", ALL)
    assert unmatched["fixableCounts"] == {"fixable": 1, "notFixable": 0}


async def test_image_cves_show_components_with_their_layers(store: VulnerabilityStore) -> None:
    answer = await store.image_cves(RED.image_id, "", Listing(sort="-cvss"), RED_SCOPES)
    fits(answer, "ImageCvePage")
    assert names(answer, "cve") == [RED.cve, SHARED_CVE]
    (component,) = answer["items"][0]["components"]
    assert (component["name"], component["fixedBy"], component["source"]) == ("red-lib", "1.1", "OS")
    assert (component["layerInstruction"], component["layerValue"]) == ("RUN", "install red-lib")
    assert answer["items"][1]["components"][0]["layerInstruction"] == ""
    hidden = await store.image_cves(RED.image_id, "Namespace:blue", Listing(), ALL)
    assert hidden == {"total": 0, "items": []}


async def test_components_of_one_cve_end_at_fifty(store: VulnerabilityStore, central_pool: Pool) -> None:
    many = Place("alpha", "many")
    big = image(many)
    for number in range(60):
        big.scan.components.add(name=f"part{number}", version="1").vulns.add(cve="CVE-2024-9", cvss=1)
    await ImageStore(pool=central_pool, clock=SystemClock()).put(big)
    answer = await store.image_cves(many.image_id, "CVE:CVE-2024-9", Listing(), ALL)
    fits(answer, "ImageCvePage")
    assert (answer["items"][0]["componentCount"], len(answer["items"][0]["components"])) == (60, 50)


async def test_dashboard_shows_what_the_caller_may_see(store: VulnerabilityStore, central_pool: Pool) -> None:
    dashboard = DashboardStore(pool=central_pool)
    whole = await dashboard.dashboard("", lambda _: EVERYTHING)
    fits(whole, "Dashboard")
    assert whole["counts"] == {
        "clusters": 2, "nodes": 2, "violations": 3, "deployments": 3, "images": 3, "secrets": 3,
    }  # fmt: skip
    assert [band["count"] for band in whole["imageAges"]] == [0, 3, 0, 0]
    red = await dashboard.dashboard("", lambda _: ONLY_RED)
    assert (red["counts"]["violations"], red["counts"]["images"], red["counts"]["secrets"]) == (1, 1, 1)
    assert not leaks(red, RED)
    none = await dashboard.dashboard("", lambda resource: EVERYTHING if resource == "Secret" else NOTHING)
    fits(none, "Dashboard")
    assert none["counts"]["secrets"] == 3
    assert none["counts"]["images"] is None
    assert none["imagesAtMostRisk"] is None


async def test_dashboard_narrows_by_namespace(store: VulnerabilityStore, central_pool: Pool) -> None:
    answer = await DashboardStore(pool=central_pool).dashboard(
        "Namespace:blue+Severity:CRITICAL", lambda _: EVERYTHING
    )
    assert (answer["counts"]["deployments"], answer["counts"]["violations"]) == (1, 1)
    assert [one["name"] for one in answer["deploymentsAtMostRisk"]] == ["blue-web"]
