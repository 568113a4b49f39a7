"""The metrics port as a component; what it answers over a socket is the integration tests' matter."""

from __future__ import annotations

from pyrox.env import Address
from pyrox.metrics import Metrics
from pyrox.rpc.front import Front
from pyrox.rpc.monitoring import metrics_front, metrics_fronts
from tests.support.pki import FixedClock


def test_front_is_a_component_called_metrics() -> None:
    made = metrics_front(Address("127.0.0.1", 0), Metrics("x"), FixedClock())
    assert isinstance(made, Front)
    assert made.name == "metrics"


def test_address_makes_one_front_and_disabled_makes_none() -> None:
    assert [f.name for f in metrics_fronts(Address("127.0.0.1", 0), Metrics("x"), FixedClock())] == [
        "metrics"
    ]
    assert metrics_fronts(None, Metrics("x"), FixedClock()) == ()
