"""Which certificate a pod uses: the one that Sensor had renewed, or its init bundle's.

The charts mount both, each maybe empty, and an empty directory in memory from which the
process reads. `main.py` of Sensor, Admission, Collector, Compliance and the secured
cluster's Indexer waits with `settle`; `CertificateChoice` then follows every change, and
`pyrox.mtls.reload` sees the new files. It must not know who writes the secrets.

Directories, names and times are upstream's (`sensor/kubernetes/certinit`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyrox import log
from pyrox.clock import Clock
from pyrox.env import Setting
from pyrox.errors import Invalid
from pyrox.mtls.ca import load_certificates, load_key
from pyrox.mtls.identity import subject_of

_LOG = log.get(__name__)
_SECRETS = Path("/run/secrets/stackrox.io")
CERTS_NEW = Setting(
    "ROX_CERTS_NEW_DIR", Path, _SECRETS / "certs-new", "where the secret that Sensor renews is mounted"
)
CERTS_LEGACY = Setting(
    "ROX_CERTS_LEGACY_DIR", Path, _SECRETS / "certs-legacy", "where the init bundle's secret is mounted"
)
POLL_SECONDS = 5.0
WAIT_SECONDS = 300.0
_FILES = ("ca.pem", "cert.pem", "key.pem")
_REGISTRANT = "REGISTRANT_SERVICE"
_LIMIT = 1 << 20  # Kubernetes' own limit for a whole secret


@dataclass(frozen=True, slots=True)
class Places:
    """The two sources and the directory that the process reads."""

    new: Path
    legacy: Path
    used: Path

    @classmethod
    def read(cls, environment: Mapping[str, str], used: Path) -> Places:
        """The sources that the environment names."""
        return cls(CERTS_NEW.read(environment), CERTS_LEGACY.read(environment), used)

    @property
    def mounted_directly(self) -> bool:
        """Whether there is nothing to choose from: the certificate lies where it is used."""
        return not self.new.is_dir() and not self.legacy.is_dir()


@dataclass(frozen=True, slots=True)
class Material:
    """What a secret holds, under the names that processes read."""

    files: Mapping[str, bytes]
    ends: datetime
    holder: str = ""
    """The service type that the certificate names."""


def material(directory: Path) -> Material | None:
    """The certificate, key and CA in a directory; None when there are none.

    Keys of an init bundle's secret may carry the service (`sensor-cert.pem`). Raises
    `Invalid` naming the directory when the files are no certificate with its key.
    """
    # Kubernetes replaces a whole mount by one link, so files read through it belong together.
    link = directory / "..data"
    inside = link.resolve() if link.exists() else directory
    files = {name: _read(inside, name) for name in _FILES}
    if not any(files.values()):
        return None
    missing = [name for name, content in files.items() if not content]
    if missing:
        raise Invalid(f"{directory}: {', '.join(missing)} is missing; mend the secret that is mounted there")
    try:
        load_certificates(files["ca.pem"])
        leaf = load_certificates(files["cert.pem"])[0]
        if load_key(files["key.pem"]).public_key() != leaf.public_key():
            raise Invalid("the key does not belong to the certificate")
        holder = subject_of(leaf).type
    except Invalid as err:
        raise Invalid(f"{directory}: {err.message}") from err
    return Material(files, leaf.not_valid_after_utc, holder)


def choose(new: Material | None, legacy: Material | None, now: datetime) -> Material | None:
    """The renewed one if there is one, unless it has ended and the init bundle's has not."""
    if new is None or (new.ends <= now and legacy is not None and legacy.ends > now):
        return legacy
    return new


class CertificateChoice:
    """A component that keeps the directory in use at the right certificate."""

    name = "certificate-choice"

    def __init__(self, *, places: Places, clock: Clock) -> None:
        self._places = places
        self._clock = clock
        self._failure = ""

    async def settle(self) -> None:
        """Return when a certificate is in place. Raises `Invalid` when none comes in five minutes."""
        waited = 0.0
        while not self.poll():
            if waited >= WAIT_SECONDS:
                places = self._places
                raise Invalid(
                    self._failure
                    or f"no certificate in {places.new} or {places.legacy} after {WAIT_SECONDS:.0f} s: apply "
                    "an init bundle or a cluster registration secret, or see why Sensor has not renewed it"
                )
            if not waited:
                _LOG.info("waiting for a certificate", directories=[self._places.new, self._places.legacy])
            waited += POLL_SECONDS
            await self._clock.sleep(POLL_SECONDS)

    async def run(self, ready: Callable[[], None]) -> None:
        """Follow changes until cancelled."""
        ready()
        while True:
            await self._clock.sleep(POLL_SECONDS)
            self.poll()

    def poll(self) -> bool:
        """Look once and copy what changed; whether there is a certificate to use."""
        if self._places.mounted_directly:
            return True
        chosen = choose(self._look(self._places.new), self._look(self._places.legacy), self._clock.now())
        if chosen is None:
            # Registration leaves the new certificate here long before the kubelet mounts its secret.
            return self._in_use()
        try:
            if _copy(chosen.files, self._places.used):
                _LOG.info("certificate chosen", ends=chosen.ends.isoformat())
        except OSError as err:
            self._fail(f"{self._places.used}: {err.strerror}; mount a writable directory there")
            return False
        return True

    def _in_use(self) -> bool:
        """Whether the directory in use holds a service's certificate, not just a registrant's."""
        there = self._look(self._places.used)
        return there is not None and there.holder != _REGISTRANT

    def _look(self, directory: Path) -> Material | None:
        try:
            return material(directory)
        except Invalid as err:
            self._fail(err.message)
        except OSError as err:
            self._fail(f"{directory}: {err.strerror}")
        return None

    def _fail(self, reason: str) -> None:
        if reason != self._failure:
            _LOG.warning("certificate not used", reason=reason)
        self._failure = reason


def _read(directory: Path, name: str) -> bytes:
    """The file of this name, or the only one that ends with it after a service; empty for none."""
    path = directory / name
    if not path.is_file():
        found = [] if name == "ca.pem" else sorted(directory.glob(f"*-{name}"))
        if len(found) != 1:
            return b""
        path = found[0]
    with path.open("rb") as file:
        content = file.read(_LIMIT + 1)
    if len(content) > _LIMIT:
        raise Invalid(f"{path}: longer than {_LIMIT} bytes")
    return content


def _copy(files: Mapping[str, bytes], directory: Path) -> bool:
    """Write what differs, each file whole or not at all; whether anything did."""
    changed = False
    for name, content in files.items():
        path = directory / name
        if path.exists() and path.read_bytes() == content:
            continue
        scratch = directory / f".{name}.new"
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        scratch.replace(path)
        changed = True
    return changed
