"""From messages to rows."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from pyrox.errors import Invalid
from pyrox.pb.storage.alert_pb2 import Alert, ListAlert
from pyrox.pb.storage.deployment_pb2 import Deployment
from services.central.db import tables
from services.central.db.fields import Column, Kind
from services.central.db.write import Writer, extract

ID = "00000000-0000-0000-0000-00000000000a"


def value(alert: Alert, name: str) -> object:
    return extract(alert, tables.ALERTS.column(name))


def test_extract_reads_nested_lists_times_and_ids() -> None:
    alert = Alert(id=ID, cluster_id="no-uuid")
    alert.policy.categories.extend(["b", "a\0"])
    alert.time.FromDatetime(datetime(2026, 1, 2, tzinfo=UTC))
    assert value(alert, "id") == UUID(ID)
    assert value(alert, "clusterid") is None
    assert value(alert, "policy_categories") == ["b", "a\ufffd"]
    assert value(alert, "time") == datetime(2026, 1, 2, tzinfo=UTC)
    assert value(alert, "deployment_name") == ""
    assert not alert.HasField("deployment")


def test_extract_of_an_unset_or_impossible_time_is_none() -> None:
    alert = Alert()
    assert value(alert, "time") is None
    alert.time.seconds = 1 << 60
    assert value(alert, "time") is None


def test_extract_of_a_huge_counter_stays_in_range() -> None:
    alert = Alert()
    alert.process_violation.processes.add().signal.uid = 5
    column = Column("n", "signal.uid", Kind.INT)
    assert extract(alert.process_violation.processes[0], column) == 5


def test_rows_are_sorted_and_one_per_key() -> None:
    writer = Writer(tables.DEPLOYMENTS, lambda d: Deployment(id=d.id))
    other = ID[:-1] + "b"
    rows = writer.rows(
        [Deployment(id=other), Deployment(id=ID, name="1"), Deployment(id=ID.upper(), name="2")]
    )
    assert [row.sort_key for row in rows] == [ID, other]
    assert "2" in rows[0].values


def test_rows_of_grandchildren_carry_the_index_of_their_parent() -> None:
    deployment = Deployment(id=ID)
    deployment.containers.add().volumes.add(name="a")
    deployment.containers.add().volumes.add(name="b")
    (row,) = Writer(tables.DEPLOYMENTS, lambda d: d).rows([deployment])
    rows = row.children["deployments_containers_volumes"]
    assert [record[:4] for record in rows] == [(UUID(ID), 0, 0, "a"), (UUID(ID), 1, 0, "b")]


@pytest.mark.parametrize("key", ["", "x"])
def test_rows_with_an_unusable_id_are_invalid(key: str) -> None:
    with pytest.raises(Invalid, match="Alert has no usable id"):
        Writer(tables.ALERTS, lambda a: ListAlert(id=a.id)).rows([Alert(id=key)])
