from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pyrox.mtls.ca import CertificateAuthority
from pyrox.mtls.identity import Subject
from services.sensor.certificates.schedule import Backoff, due
from services.sensor.certificates.store import Stored
from tests.support.pki import FixedClock

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY = 86_400.0


def stored(age: timedelta = timedelta(0), *, owners: tuple[str, ...] = ("uid",), days: int = 99) -> Stored:
    """A certificate of so many days (and its hour before) that was issued so long ago."""
    ca = CertificateAuthority.create(clock=FixedClock(NOW - age))
    issued = ca.issue(Subject("SENSOR_SERVICE", "one"), lifetime=timedelta(days=days))
    return Stored(issued.cert_pem, owners)


@pytest.mark.parametrize(("random", "share"), [(0.0, 0.5), (0.5, 0.45), (1.0, 0.4)])
def test_due_between_40_and_50_percent_of_the_life(random: float, share: float) -> None:
    life = 99 * DAY + 3600
    plan = due({"sensor": stored()}, "uid", NOW, lambda: random)
    assert plan.seconds == pytest.approx(life * share - 3600)
    assert not plan.foreign


def test_due_follows_the_certificate_that_comes_first() -> None:
    both = {"sensor": stored(), "collector": stored(timedelta(days=40))}
    alone = due({"collector": both["collector"]}, "uid", NOW, lambda: 0.0)
    assert due(both, "uid", NOW, lambda: 0.0) == alone
    assert 0 < alone.seconds < 10 * DAY


@pytest.mark.parametrize(
    "one", [None, Stored(b"", ("uid",)), Stored(b"rubbish", ("uid",)), stored(timedelta(days=60))]
)
def test_due_now_when_one_is_missing_broken_or_old(one: Stored | None) -> None:
    assert due({"sensor": stored(), "collector": one}, "uid", NOW, lambda: 0.5).seconds == 0.0


@pytest.mark.parametrize("owners", [(), ("other",), ("uid", "other")])
def test_due_never_touches_a_secret_of_others(owners: tuple[str, ...]) -> None:
    plan = due({"sensor": stored(), "collector": stored(owners=owners)}, "uid", NOW, lambda: 0.5)
    assert plan.foreign == "tls-cert-collector"


def test_due_without_a_deployment_takes_secrets_without_owner() -> None:
    assert not due({"sensor": stored(owners=())}, "", NOW, lambda: 0.5).foreign
    assert due({"sensor": stored()}, "", NOW, lambda: 0.5).foreign == "tls-cert-sensor"


def test_backoff_grows_threefold_to_ten_minutes_with_a_tenth_of_jitter() -> None:
    calm = Backoff(lambda: 0.0)
    assert [calm.next() for _ in range(7)] == [5.0, 15.0, 45.0, 135.0, 405.0, 600.0, 600.0]
    assert Backoff(lambda: 1.0).next() == pytest.approx(5.5)


def test_backoff_starts_over_after_success() -> None:
    backoff = Backoff(lambda: 0.0)
    backoff.next()
    backoff.next()
    backoff.reset()
    assert backoff.next() == 5.0
