from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pyrox.errors import Invalid
from pyrox.mtls.ca import CertificateAuthority
from pyrox.mtls.choice import CertificateChoice, Material, Places, choose, material
from pyrox.mtls.identity import Subject
from tests.support.pki import FixedClock

SENSOR = Subject("SENSOR_SERVICE", "one")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CA = CertificateAuthority.create(clock=FixedClock(NOW))


def secret(directory: Path, *, prefix: str = "", subject: Subject = SENSOR) -> dict[str, bytes]:
    """Write a fresh certificate into a directory, as an ordinary mount."""
    issued = CA.issue(subject)
    directory.mkdir(exist_ok=True)
    files = {"ca.pem": CA.cert_pem, "cert.pem": issued.cert_pem, "key.pem": issued.key_pem}
    for name, content in files.items():
        (directory / (name if name == "ca.pem" else f"{prefix}{name}")).write_bytes(content)
    return files


class OnSleep(FixedClock):
    """A clock at whose n-th sleep something happens."""

    def __init__(self, after: int, act: object) -> None:
        super().__init__(NOW)
        self._after, self._act = after, act

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if len(self.slept) == self._after:
            assert callable(self._act)
            self._act()


@pytest.fixture(name="places")
def _places(tmp_path: Path) -> Places:
    made = Places(tmp_path / "new", tmp_path / "legacy", tmp_path / "used")
    for path in (made.new, made.legacy, made.used):
        path.mkdir()
    return made


def used(places: Places) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in places.used.iterdir()}


def choice(places: Places, clock: FixedClock | None = None) -> CertificateChoice:
    return CertificateChoice(places=places, clock=clock or FixedClock(NOW))


def test_read_places_of_upstream_unless_the_environment_names_others() -> None:
    assert Places.read({}, Path("/u")) == Places(
        Path("/run/secrets/stackrox.io/certs-new"), Path("/run/secrets/stackrox.io/certs-legacy"), Path("/u")
    )
    read = Places.read({"ROX_CERTS_NEW_DIR": "/a", "ROX_CERTS_LEGACY_DIR": "/b"}, Path("/u"))
    assert (read.new, read.legacy) == (Path("/a"), Path("/b"))


async def test_settle_without_either_directory_leaves_everything_as_it_is(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    places = Places(tmp_path / "new", tmp_path / "legacy", tmp_path / "used")
    await choice(places, clock).settle()
    assert (clock.slept, list(tmp_path.iterdir())) == ([], [])


async def test_settle_takes_the_renewed_certificate_before_the_bundles(places: Places) -> None:
    secret(places.legacy)
    renewed = secret(places.new)
    await choice(places).settle()
    assert used(places) == renewed


@pytest.mark.parametrize("prefix", ["", "sensor-", "admission-control-"])
async def test_settle_takes_the_bundles_under_either_name(places: Places, prefix: str) -> None:
    files = secret(places.legacy, prefix=prefix)
    await choice(places).settle()
    assert used(places) == files
    assert {stat.S_IMODE(path.stat().st_mode) for path in places.used.iterdir()} == {0o600}


async def test_settle_with_the_renewed_directory_alone(places: Places) -> None:
    places.legacy.rmdir()
    files = secret(places.new)
    await choice(places).settle()
    assert used(places) == files


async def test_settle_waits_until_sensor_writes_the_secret(places: Places) -> None:
    clock = OnSleep(3, lambda: secret(places.new))
    await choice(places, clock).settle()
    assert clock.slept == [5.0, 5.0, 5.0]
    assert set(used(places)) == {"ca.pem", "cert.pem", "key.pem"}


async def test_settle_gives_up_after_five_minutes_and_says_what_to_do(places: Places) -> None:
    clock = FixedClock(NOW)
    with pytest.raises(Invalid, match="after 300 s: apply an init bundle or a cluster registration secret"):
        await choice(places, clock).settle()
    assert sum(clock.slept) == 300.0


async def test_settle_gives_up_on_a_broken_secret_with_its_reason(places: Places) -> None:
    secret(places.new)
    (places.new / "key.pem").unlink()
    with pytest.raises(Invalid, match=r"new: key.pem is missing"):
        await choice(places).settle()


def test_poll_prefers_a_whole_bundle_to_a_broken_renewal(places: Places) -> None:
    files = secret(places.legacy)
    secret(places.new)
    (places.new / "cert.pem").write_bytes(b"rubbish")
    assert choice(places).poll()
    assert used(places) == files


def test_poll_follows_a_renewal(places: Places) -> None:
    secret(places.legacy)
    chosen = choice(places)
    assert chosen.poll()
    renewed = secret(places.new)
    assert chosen.poll()
    assert used(places) == renewed


def test_poll_writes_nothing_when_nothing_changed(places: Places) -> None:
    secret(places.new)
    chosen = choice(places)
    chosen.poll()
    before = {path.name: path.stat().st_ino for path in places.used.iterdir()}
    chosen.poll()
    assert {path.name: path.stat().st_ino for path in places.used.iterdir()} == before


def test_poll_keeps_what_is_used_when_both_secrets_go(places: Places) -> None:
    files = secret(places.new)
    chosen = choice(places)
    chosen.poll()
    for path in places.new.iterdir():
        path.unlink()
    assert chosen.poll()
    assert used(places) == files


async def test_settle_takes_what_registration_left_before_its_secret_is_mounted(places: Places) -> None:
    clock = FixedClock(NOW)
    files = secret(places.used)
    await choice(places, clock).settle()
    assert (clock.slept, used(places)) == ([], files)


def test_poll_never_takes_a_registrants_certificate(places: Places) -> None:
    secret(places.used, subject=Subject("REGISTRANT_SERVICE", "x", "crs"))
    assert not choice(places).poll()


def test_poll_into_a_directory_that_cannot_be_written_says_so(places: Places) -> None:
    secret(places.new)
    places.used.rmdir()
    assert not choice(places).poll()


def test_material_reads_one_generation_of_a_kubernetes_mount(tmp_path: Path) -> None:
    old = secret(tmp_path / "..2026_1")
    (tmp_path / "..data").symlink_to("..2026_1")
    for name in old:
        (tmp_path / name).symlink_to(f"..data/{name}")
    found = material(tmp_path)
    assert found is not None
    assert found.files == old


def test_material_of_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    secret(tmp_path)
    (tmp_path / "key.pem").write_bytes(CA.issue(SENSOR).key_pem)
    with pytest.raises(Invalid, match="the key does not belong to the certificate"):
        material(tmp_path)


def test_material_of_two_services_is_not_guessed(tmp_path: Path) -> None:
    secret(tmp_path, prefix="sensor-")
    secret(tmp_path, prefix="collector-")
    with pytest.raises(Invalid, match=r"cert.pem, key.pem is missing"):
        material(tmp_path)


def test_material_that_is_endless_is_refused(tmp_path: Path) -> None:
    secret(tmp_path)
    (tmp_path / "ca.pem").write_bytes(b"x" * (1 << 20) + b"x")
    with pytest.raises(Invalid, match="longer than 1048576 bytes"):
        material(tmp_path)


@pytest.mark.parametrize(
    ("new", "legacy", "expected"),
    [
        (None, None, None),
        (None, 5, 5),
        (5, None, 5),
        (5, 9, 5),
        (-1, 9, 9),
        (-1, None, -1),
        (-1, -2, -1),
    ],
)
def test_choose_takes_the_renewed_unless_only_the_other_is_valid(
    new: int | None, legacy: int | None, expected: int | None
) -> None:
    def held(days: int | None) -> Material | None:
        return None if days is None else Material({}, NOW + timedelta(days=days))

    assert choose(held(new), held(legacy), NOW) == held(expected)
