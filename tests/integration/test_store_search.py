"""Search on a real database against a naive filter over the same messages."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from pyrox.errors import Invalid, RoxError
from pyrox.pb.storage import alert_pb2, policy_pb2
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING, NOTHING, Scope
from services.central.db import search, tables
from services.central.db.query import Query
from services.central.db.search import Page, Sort
from services.central.db.store import ListedStore, ListForm

pytestmark = pytest.mark.needs("postgres")

Alert = alert_pb2.Alert
Alerts = ListedStore[alert_pb2.Alert, alert_pb2.ListAlert]
CLUSTERS = [str(uuid.UUID(int=n)) for n in (1, 2, 3)]
NAMESPACES = ["shop", "bank", "Shop-2", "100%", "a_b"]
NAMES = [
    "Log4Shell",
    "log4shell: v2",
    'Say "no"',
    "a+b",
    "r/x",
    "*",
    "-",
    "!not",
    "x,y",
    "ünïcode",
    "back\\slash",
]
SEVERITIES = list(policy_pb2.Severity.values())
NOW = datetime.now(UTC).replace(microsecond=0)


def random_alert(rng: random.Random) -> Alert:
    alert = Alert(id=str(uuid.UUID(int=rng.getrandbits(128))))
    alert.cluster_id = rng.choice(CLUSTERS)
    alert.namespace = rng.choice(NAMESPACES)
    alert.policy.name = rng.choice(NAMES)
    alert.policy.severity = rng.choice(SEVERITIES)
    alert.policy.disabled = rng.random() < 0.3
    alert.policy.categories.extend(
        rng.sample(["Docker CIS", "Anomalous Activity", "DevOps"], rng.randrange(3))
    )
    alert.enforcement_count = rng.randrange(6)
    if rng.random() < 0.9:
        alert.time.FromDatetime(NOW - timedelta(days=rng.randrange(10), hours=1))
    if rng.random() < 0.7:
        alert.deployment.name = rng.choice(["web", "Web-2", "db"])
    return alert


Test = Callable[[Alert], bool]
UNQUOTABLE = {'Say "no"'}


def text_test(
    rng: random.Random, label: str, read: Callable[[Alert], str], pool: list[str]
) -> tuple[str, Test]:
    value = rng.choice([name for name in pool if name not in UNQUOTABLE])
    match rng.randrange(4):
        case 0:
            part = "".join(c for c in value[: rng.randrange(1, 4)] if c not in '"+,:!*-') or "l"
            part = "l" if part.startswith("r/") else part
            return f"{label}:{part}", lambda a: read(a).lower().startswith(part.lower().strip())
        case 1:
            return f'{label}:"{value}"', lambda a: read(a) == value
        case 2:
            return f'{label}:!"{value}"', lambda a: read(a) != value
    pattern = re.escape(value[1:3].lower()).replace('"', ".")
    if any(c in pattern for c in "+,:"):
        pattern = "o"
    return f"{label}:r/{pattern}", lambda a: re.search(pattern, read(a), re.IGNORECASE) is not None


def severity_test(rng: random.Random) -> tuple[str, Test]:
    number = rng.choice(SEVERITIES)
    name = policy_pb2.Severity.Name(number)
    match rng.randrange(3):
        case 0:
            return f"severity:{name[:4].lower()}", lambda a: a.policy.severity == number
        case 1:
            return f"Severity:>={name}", lambda a: a.policy.severity >= number
    return f"Severity:!{name}", lambda a: a.policy.severity != number


def category_test(rng: random.Random) -> tuple[str, Test]:
    match rng.randrange(4):
        case 0:
            return "Category:dev", lambda a: "DevOps" in a.policy.categories
        case 1:
            return 'Category:!"DevOps"', lambda a: "DevOps" not in a.policy.categories
        case 2:
            return "Category:!!dev", lambda a: any(c != "DevOps" for c in a.policy.categories)
    return "Category:-", lambda a: not a.policy.categories


def number_test(rng: random.Random) -> tuple[str, Test]:
    n = rng.randrange(6)
    return rng.choice(
        [
            (f"Enforcement Count:>{n}", lambda a: a.enforcement_count > n),
            (f"Enforcement Count:{n}", lambda a: a.enforcement_count == n),
            (f"Enforcement Count:<={n},5", lambda a: a.enforcement_count <= n or a.enforcement_count == 5),
            (f"Enforcement Count:1-{n}", lambda a: 1 <= a.enforcement_count <= n),
            (f"Enforcement Count:!{n}", lambda a: a.enforcement_count != n),
        ]
    )


def age(alert: Alert) -> float:
    return (NOW - alert.time.ToDatetime(tzinfo=UTC)).total_seconds() / 86400


def time_test(rng: random.Random) -> tuple[str, Test]:
    days = rng.randrange(1, 9)
    date = NOW - timedelta(days=days)
    start = date.replace(hour=0, minute=0, second=0)
    since = int(start.timestamp() * 1000)

    def at(alert: Alert) -> datetime:
        return alert.time.ToDatetime(tzinfo=UTC)

    return rng.choice(
        [
            (f"Violation Time:>{days}d", lambda a: a.HasField("time") and age(a) > days),
            (f"Violation Time:<{days}d", lambda a: a.HasField("time") and age(a) < days),
            (f"Violation Time:1d-{days}d", lambda a: a.HasField("time") and 1 <= age(a) <= days),
            ("Violation Time:-", lambda a: not a.HasField("time")),
            ("Violation Time:*", lambda a: a.HasField("time")),
            (
                f"Violation Time:{start:%m/%d/%Y}",
                lambda a: a.HasField("time") and start <= at(a) < start + timedelta(days=1),
            ),
            (
                f"Violation Time:>={start:%m/%d/%Y} 00:00:00 AM".replace("00:00:00 AM", "12:00:00 AM UTC"),
                lambda a: a.HasField("time") and at(a) >= start,
            ),
            (f"Violation Time:tr/{since}-", lambda a: a.HasField("time") and at(a) >= start),
        ]
    )


def random_terms(rng: random.Random) -> tuple[str, Test]:
    makers: list[Callable[[], tuple[str, Test]]] = [
        lambda: text_test(rng, "Policy", lambda a: a.policy.name, NAMES),
        lambda: text_test(rng, "Namespace", lambda a: a.namespace, NAMESPACES),
        lambda: text_test(rng, "deployment", lambda a: a.deployment.name, ["web", "Web-2"]),
        lambda: severity_test(rng),
        lambda: category_test(rng),
        lambda: number_test(rng),
        lambda: time_test(rng),
        lambda: ("Disabled:t", lambda a: a.policy.disabled),
        lambda: (f"Cluster ID:{CLUSTERS[0]}", lambda a: a.cluster_id == CLUSTERS[0]),
        lambda: ("Deployment:-", lambda a: not a.deployment.name),
        lambda: ("No Such Label:x", lambda _: True),
    ]
    chosen = [maker() for maker in rng.sample(makers, rng.randrange(1, 4))]
    # A label written twice would make the last one win, which is tested on its own.
    labels = [text.split(":")[0].lower() for text, _ in chosen]
    kept = [pair for pair, label in zip(chosen, labels, strict=True) if labels.count(label) == 1]
    return "+".join(text for text, _ in kept), lambda a: all(test(a) for _, test in kept)


def random_scope(rng: random.Random) -> Scope:
    return rng.choice(
        [
            EVERYTHING,
            NOTHING,
            Scope(clusters=frozenset(rng.sample(CLUSTERS, 1))),
            Scope(namespaces={rng.choice(CLUSTERS): frozenset(rng.sample(NAMESPACES, 2))}),
            Scope(clusters=frozenset({CLUSTERS[0]}), namespaces={CLUSTERS[1]: frozenset({"shop"})}),
        ]
    )


def list_alert(alert: Alert) -> alert_pb2.ListAlert:
    return alert_pb2.ListAlert(id=alert.id)


@pytest.fixture
async def alerts(central_pool: Pool) -> Alerts:
    await central_pool.execute("TRUNCATE alerts")
    return ListedStore(
        pool=central_pool, table=tables.ALERTS, list_form=ListForm(alert_pb2.ListAlert, list_alert)
    )


@pytest.mark.parametrize("seed", range(6))
async def test_search_equals_a_naive_filter_within_every_scope(alerts: Alerts, seed: int) -> None:
    rng = random.Random(seed)
    stored = [random_alert(rng) for _ in range(150)]
    await alerts.upsert_many(stored)
    for _ in range(60):
        (text, test), scope = random_terms(rng), random_scope(rng)
        visible = {a.id for a in stored if scope.allows(a.cluster_id, a.namespace)}
        wanted = {a.id for a in stored if a.id in visible and test(a)}
        query = Query.parse(text)
        assert set(await alerts.keys(query, scope=scope)) == wanted, (text, scope)
        assert await alerts.count(query, scope=scope) == len(wanted), (text, scope)
        probe = rng.choice(stored).id
        assert (await alerts.get(probe, scope=scope) is not None) == (probe in visible)
        grouped = await alerts.group_count(["Cluster ID"], query, scope=scope)
        assert sum(row[1] for row in grouped) == len(wanted)


async def test_pages_put_together_give_the_whole_sorted_list(alerts: Alerts) -> None:
    rng = random.Random(7)
    stored = [random_alert(rng) for _ in range(100)]
    await alerts.upsert_many(stored)
    sort = (Sort("Violation Time", reversed=True), Sort("Enforcement Count"))
    pages = [
        await alerts.find(scope=EVERYTHING, page=Page(limit=9, offset=offset, sort=sort))
        for offset in range(0, 108, 9)
    ]
    found = [alert for page in pages for alert in page]

    def order(a: Alert) -> tuple[bool, float, int, str]:
        return (not a.HasField("time"), -a.time.seconds, a.enforcement_count, a.id)

    assert [a.id for a in found] == [a.id for a in sorted(stored, key=order)]


@pytest.mark.parametrize(
    "text",
    [
        "Enforcement Count:abc",
        "Disabled:maybe",
        "Violation Time:yesterday",
        "Violation Time:13/45/2020",
        "Violation Time:tr/999999999999999-1",
        "Policy:r/(",
        "Policy:\0",
        "Policy:" + "r/" + "(a" * 3000,
    ],
)
async def test_search_with_hostile_values_is_invalid(alerts: Alerts, text: str) -> None:
    with pytest.raises(Invalid):
        await alerts.count(Query.parse(text), scope=EVERYTHING)


@pytest.mark.parametrize("seed", range(3))
async def test_every_label_of_every_table_compiles_and_runs(central_pool: Pool, seed: int) -> None:
    rng = random.Random(seed)
    values = ["x", '"x"', "!x", "r/x", "*", "-", "1", "true", ">3d", "k=v", "!!x"]
    scope = Scope(clusters=frozenset({CLUSTERS[0]}), namespaces={CLUSTERS[1]: frozenset({"shop"})})
    for table in tables.ALL:
        for label in tables.CATALOG.labels(table):
            query = Query.match(label, rng.choice(values))
            try:
                statement = search.select(
                    tables.CATALOG, table, "serialized", query, scope, Page(sort=(Sort(label),))
                )
            except Invalid:
                continue
            assert await central_pool.fetch(statement.sql, *statement.args) == [], (table.name, label)
            statement = search.group_count(tables.CATALOG, table, [label], query, scope)
            assert await central_pool.fetch(statement.sql, *statement.args) == []


async def test_random_text_never_ends_in_an_internal_error(alerts: Alerts) -> None:
    rng = random.Random(11)
    alphabet = 'abPolicy:+,"!*-r/(){}[]\\%_=>< 0d\0ü'
    for _ in range(300):
        text = "Policy:" + "".join(rng.choice(alphabet) for _ in range(rng.randrange(30)))
        try:
            await alerts.count(Query.parse(text), scope=EVERYTHING)
        except RoxError as error:
            assert isinstance(error, Invalid), text  # noqa: PT017 - some texts are fine
