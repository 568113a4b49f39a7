"""`kubernetes-sensor ensure-service-certificates`: a new cluster registers with Central.

Sensor's init container runs it in clusters that were given a cluster registration
secret. With the secret's certificate it opens one stream to Central, which answers with
certificates for this cluster's services; they become secrets. Names, order and time are
upstream's (`sensor/kubernetes/crs`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pyrox import env, log
from pyrox.clock import Clock
from pyrox.env import Setting
from pyrox.errors import Exhausted, Invalid, NotAuthorized, RoxError, Unavailable, Unimplemented
from pyrox.k8s.client import KubeClient, KubeSource
from pyrox.mtls.bundle import read_crs
from pyrox.mtls.ca import ServiceTrust, load_certificates
from pyrox.mtls.identity import CENTRAL
from pyrox.mtls.reload import CertFiles, ClientTls
from pyrox.pb.internalapi.central.hello_pb2 import CentralHello
from pyrox.pb.storage.cluster_pb2 import SensorDeploymentIdentification
from pyrox.rpc.client import Target, http_client
from services.sensor.certificates.bundle import SENSOR, of_files
from services.sensor.certificates.store import CertificateStore
from services.sensor.config import Config
from services.sensor.link.backoff import Backoff
from services.sensor.link.checks import CentralChecks
from services.sensor.link.dial import CentralDialer
from services.sensor.link.greeting import BadOrder, Introduction
from services.sensor.link.helm import load_config
from services.sensor.link.identify import identify
from services.sensor.link.session import USER_AGENT, open_session

_LOG = log.get(__name__)
COMMAND = "ensure-service-certificates"
CRS_FILE = Setting(
    "ROX_CRS_FILE", Path, Path("/run/secrets/stackrox.io/crs/crs"), "the cluster registration secret"
)
LEGACY_CERT = Setting(
    "ROX_LEGACY_SENSOR_SERVICE_CERT",
    env.text,
    "",
    "Sensor's certificate from an init bundle, if there is one",
)
CURRENT_CERT = Setting(
    "ROX_SENSOR_SERVICE_CERT", env.text, "", "Sensor's certificate from a registration or renewal, if any"
)
SUPPORTED = "ClusterRegistrationSecretSupported"
_SECONDS = 120.0
_CRS_LIMIT = 1 << 20
# What the same attempt would meet again; a Central that says the wrong thing may be starting.
_FINAL = (NotAuthorized, Exhausted, Invalid)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=2), timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Registration:
    """What the init container was given beside Sensor's own settings."""

    crs_file: Path
    has_certificate: bool

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Registration:
        """From the environment."""
        return cls(
            crs_file=CRS_FILE.read(environment),
            has_certificate=bool(LEGACY_CERT.read(environment) or CURRENT_CERT.read(environment)),
        )


async def ensure(given: Registration, config: Config, *, clock: Clock, random: Callable[[], float]) -> None:
    """Return when this cluster has certificates.

    Raises what is wrong, with the next step: `Invalid` for the secret or the chart's
    configuration, `NotAuthorized` or `Exhausted` when Central refuses, `Unavailable`
    when it cannot be reached in two minutes.
    """
    if given.has_certificate:
        _LOG.info("Sensor has a certificate; this cluster is not registered again")
        return
    if load_config(config.helm_config, config.helm_name) is None:
        raise Invalid(
            f"{config.helm_config} is missing: only a cluster that Helm or the operator manages can "
            "register; set helmManaged=true or use an init bundle"
        )
    _place_registrant(given.crs_file, config)
    client = await KubeClient.open(KubeSource(kubeconfig=config.kubeconfig))
    attempts = _Attempts(config, client, clock, random)
    try:
        async with asyncio.timeout(_SECONDS):
            await attempts.run()
    except TimeoutError as err:
        why = attempts.failure or f"{config.central} does not answer"
        raise Unavailable(f"this cluster was not registered in {_SECONDS:.0f} s: {why}") from err
    finally:
        await client.close()


class _Attempts:
    """Tries until it is registered and everything is stored, or Central refuses."""

    def __init__(self, config: Config, client: KubeClient, clock: Clock, random: Callable[[], float]) -> None:
        self._config = config
        self._client = client
        self._clock = clock
        self._backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE, random)
        self.failure = ""
        """Why the last attempt failed."""

    async def run(self) -> None:
        """For ever; the caller sets the time."""
        while not await self._attempt():
            await self._clock.sleep(self._backoff.next())

    async def _attempt(self) -> bool:
        store = CertificateStore(client=self._client, namespace=self._config.namespace)
        try:
            owner = await store.owner()
            hello = await register(self._config, self._client, self._clock)
            bundle = of_files(hello.cert_bundle)
            await store.write(bundle, owner)
        except RoxError as err:
            if isinstance(err, _FINAL) and not isinstance(err, BadOrder):
                raise
            if err.message != self.failure:
                _LOG.warning("not registered yet, trying on", error=err.message)
            self.failure = err.message
            return False
        _place(bundle.data(SENSOR), self._config)
        _LOG.info("cluster registered", cluster_id=hello.cluster_id, services=sorted(bundle.pairs))
        return True


async def register(config: Config, client: KubeClient, clock: Clock) -> CentralHello:
    """One stream to Central with the certificate in use; its hello, with this cluster's certificates."""
    tls = ClientTls(authorities=[config.ca_file], certificate=CertFiles(config.cert_file, config.key_file))
    trust = ServiceTrust(load_certificates(config.ca_file.read_bytes()), clock)
    target = Target(config.central, CENTRAL.hostname)
    checks = CentralChecks(
        make_client=lambda: http_client(target, tls=tls, timeout=10.0, headers={"User-Agent": USER_AGENT}),
        trust=trust,
        fallback_limit=config.max_message_bytes,
    )
    limit = await checks.run(reconnect=False)
    dialer = CentralDialer(target=target, tls=tls, clock=clock, receive_limit=limit)
    try:
        introduction = await _introduction(config, client)
        return await _hello(dialer, introduction, limit, config.greeting_timeout)
    finally:
        await dialer.close()


async def _introduction(config: Config, client: KubeClient) -> Introduction:
    identification: SensorDeploymentIdentification = await identify(client, config.namespace)
    identification.k8s_node_name = config.node_name
    return Introduction(
        reconnect=False,
        reconcile=False,
        identification=identification,
        capabilities=(),
        helm=load_config(config.helm_config, config.helm_name),
    )


async def _hello(
    dialer: CentralDialer, introduction: Introduction, limit: int, each: timedelta
) -> CentralHello:
    """Compressed as Sensor's stream; once more without when Central cannot do that."""
    for gzip in (True, False):
        try:
            async with open_session(await dialer.channel(limit), introduction, "", gzip=gzip) as session:
                hello = await session.register(introduction, each)
        except Unimplemented:
            if not gzip:
                raise
            continue
        if SUPPORTED not in hello.capabilities:
            raise Invalid(
                f"Central {hello.central_id} registers no clusters by secret; upgrade it, or use an "
                "init bundle"
            )
        return hello
    raise Unavailable("Central took no stream")


def _place_registrant(crs_file: Path, config: Config) -> None:
    """Write the registration secret's certificate where Sensor's own will be. Raises `Invalid`."""
    try:
        with crs_file.open("rb") as file:
            payload = file.read(_CRS_LIMIT + 1)
    except OSError as err:
        raise Invalid(
            f"{crs_file}: {err.strerror}; mount the secret cluster-registration-secret, or apply an init "
            "bundle"
        ) from err
    crs = read_crs(payload)
    authorities = "\n".join(crs.authorities).encode()
    load_certificates(authorities)
    _place(
        {"ca.pem": authorities, "cert.pem": crs.cert_pem.encode(), "key.pem": crs.key_pem.encode()}, config
    )


def _place(data: Mapping[str, bytes], config: Config) -> None:
    files = {"ca.pem": config.ca_file, "cert.pem": config.cert_file, "key.pem": config.key_file}
    for name, path in files.items():
        scratch = path.with_name(f".{path.name}.new")
        try:
            scratch.unlink(missing_ok=True)
            with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data[name])
            scratch.replace(path)
        except OSError as err:
            raise Invalid(f"{path}: {err.strerror}; mount a writable directory there") from err
