"""The services that are known and not served."""

from __future__ import annotations

import pytest

from pyrox.rpc.methods import table
from services.central.unserved import services_without
from tests.support import served

EVERYTHING = services_without(())
SERVED = {servicer.SERVICE for servicer in served.servicers()}


def test_list_names_each_service_once_in_order() -> None:
    assert sorted(set(EVERYTHING)) == EVERYTHING
    assert "v1.PingService" in EVERYTHING
    assert "central.SensorService" in EVERYTHING


def test_list_holds_every_service_that_central_serves() -> None:
    assert set(EVERYTHING) >= SERVED


def test_list_leaves_out_exactly_what_is_served() -> None:
    rest = services_without({"v1.PingService", "v9.NoSuch"})
    assert set(EVERYTHING) - set(rest) == {"v1.PingService"}


# Behind flags that are off in the reference system, whose paths answer 404 there.
@pytest.mark.parametrize("name", ["v2.VirtualMachineService", "v2.NodeReportService"])
def test_list_has_no_service_that_upstream_hides(name: str) -> None:
    assert name not in EVERYTHING


def test_methods_of_the_rest_answer_by_name() -> None:
    methods = table([], services_without(SERVED))
    assert methods
    assert all(method.function is None for method in methods.values())
    assert {path.split("/")[1] for path in methods} == set(services_without(SERVED))
