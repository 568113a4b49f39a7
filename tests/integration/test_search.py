"""Global search, its labels and completion, on a real database."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.pb.api.v1.search_service_pb2 import SearchCategory
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING, NOTHING, Scope
from services.central.search.categories import GLOBAL, options
from services.central.search.store import SearchStore
from tests.support.fleet import GREEN, RED, SHARED_CVE, Fleet

pytestmark = pytest.mark.needs("postgres")
C = SearchCategory
ONLY_RED = Scope(namespaces={RED.cluster_id: frozenset({"red"})})


def everything(_: str) -> Scope:
    return EVERYTHING


def only_red(_: str) -> Scope:
    return ONLY_RED


@pytest.fixture
async def store(central_pool: Pool) -> SearchStore:
    fleet = Fleet(central_pool)
    await fleet.clear()
    await fleet.write()
    return SearchStore(pool=central_pool)


async def test_search_without_categories_looks_into_all(store: SearchStore) -> None:
    found = {one.category: one for one in await store.search("Namespace:red", (), everything)}
    assert list(found) == list(GLOBAL)
    counts = {category: one.count for category, one in found.items() if one.count}
    assert counts == {
        C.ALERTS: 1,
        C.IMAGES: 1,
        C.DEPLOYMENTS: 1,
        C.SECRETS: 1,
        C.NAMESPACES: 1,
        C.SERVICE_ACCOUNTS: 1,
        C.ROLES: 1,
        C.ROLEBINDINGS: 1,
        C.SUBJECTS: 1,
    }
    (deployment,) = found[C.DEPLOYMENTS].results
    assert (deployment.id, deployment.name) == (RED.id("deployment"), "red-web")
    assert deployment.location == "/alpha/red"
    assert [one.location for one in found[C.NAMESPACES].results] == ["alpha/red"]
    (subject,) = found[C.SUBJECTS].results
    assert subject.name == "red-user"


async def test_alerts_are_searched_for_their_own_labels_only(store: SearchStore, central_pool: Pool) -> None:
    (found,) = await store.search("CVE:CVE-2024", [C.ALERTS], everything)
    assert found.count == 0
    (found,) = await store.search("Policy:red", [C.ALERTS], everything)
    assert [one.location for one in found.results] == ["/alpha/red/Deployment/red-web"]
    await central_pool.execute("UPDATE alerts SET state = 2")
    (found,) = await store.search("Policy:red", [C.ALERTS], everything)
    assert found.count == 0
    (found,) = await store.search("Policy:red+Violation State:RESOLVED", [C.ALERTS], everything)
    assert found.count == 1


async def test_search_joins_kinds(store: SearchStore) -> None:
    (found,) = await store.search(f"CVE:{GREEN.cve}", [C.DEPLOYMENTS], everything)
    assert [one.name for one in found.results] == ["green-web"]
    (found,) = await store.search("Deployment:green", [C.IMAGE_VULNERABILITIES_V2], everything)
    assert sorted(one.name for one in found.results) == sorted([SHARED_CVE, GREEN.cve])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "parser not configured to handle empty queries: invalid arguments"),
        ("No Such Label:x", "parser not configured to handle empty queries: invalid arguments"),
        ("nocolon", "query 'nocolon' has no pair of the form Label:value: invalid arguments"),
    ],
)
async def test_search_for_nothing_is_refused(store: SearchStore, query: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        await store.search(query, (), everything)
    assert refused.value.message == message


async def test_category_that_nobody_searches_is_refused(store: SearchStore) -> None:
    with pytest.raises(Invalid, match=r"^Search category 'COMPLIANCE' is not implemented: invalid"):
        await store.search("Cluster:a", [C.COMPLIANCE], everything)
    with pytest.raises(Invalid, match=r'^Search category "COMPLIANCE" is not implemented: invalid'):
        await store.complete("Cluster:a", [C.COMPLIANCE], everything)


async def test_search_knows_no_other_namespace(store: SearchStore) -> None:
    found = await store.search("Namespace:red,blue,green", (), only_red)
    names = {result.name for one in found for result in one.results}
    assert names
    assert not {name for name in names if "blue" in name or "green" in name}
    nothing = await store.search("Namespace:red,blue,green", (), lambda _: NOTHING)
    assert sum(one.count for one in nothing) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Deployment:", ["blue-web", "green-web", "red-web"]),
        ("Deployment:re", ["red-web"]),
        ("Deployment:blue-web,gr", ["green-web"]),
        ("Namespace:red+Deployment:", ["red-web"]),
        ("Deployment Label:team=r", ["team=red"]),
        ("Category:gr", ["green-category"]),
        ("Subject:red", ["red-account", "red-user"]),
        ("Severity:HIGH", ["HIGH_SEVERITY"]),
        ("Severity:IMP", []),
        ("No Such Label:x", []),
    ],
)
async def test_last_label_is_completed(store: SearchStore, text: str, expected: list[str]) -> None:
    categories = [C.ALERTS] if text.startswith(("Category", "Severity")) else [C.DEPLOYMENTS, C.ROLEBINDINGS]
    assert await store.complete(text, categories, everything) == expected


async def test_completion_ends_at_ten_values_within_the_scope(store: SearchStore, central_pool: Pool) -> None:
    assert await store.complete("Deployment:", (), only_red) == ["red-web"]
    await central_pool.execute(
        "INSERT INTO deployments (id, name, serialized, list_form)"
        " SELECT gen_random_uuid(), 'many-' || n, '', '' FROM generate_series(1, 30) n"
    )
    assert len(await store.complete("Deployment:many", (), everything)) == 10
    with pytest.raises(Invalid, match="has no pair"):
        await store.complete("nocolon", (), everything)


def test_options_of_one_category_are_its_own() -> None:
    assert "Violation State" in options((C.ALERTS,))
    assert "Violation State" not in options((C.NODES,))
    assert options((C.COMPLIANCE,)) == []
    assert options(()) == sorted(options(()))
