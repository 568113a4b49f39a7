"""Bootstrap's composition root and its one run: read, plan, make, until nobody interferes.

Any number of runs may go on at once and any may be killed: a secret is created whole or
not at all, the CA before what it issues, and whoever comes second reads again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import AlreadyExists, NotFound, RoxError, Unavailable
from pyrox.k8s.client import KubeClient, KubeSource
from pyrox.k8s.errors import Conflict
from pyrox.mtls.ca import CertificateAuthority
from services.bootstrap import material, webhook
from services.bootstrap.config import Config
from services.bootstrap.metadata import annotations_of, labels_of
from services.bootstrap.plan import Action, Found, Step, Surroundings, plan
from services.bootstrap.store import SecretStore
from services.bootstrap.wanted import Kind, Wanted

_LOG = log.get(__name__)
_ATTEMPTS = 10  # another run may win the race for each of the eight secrets once


async def execute(config: Config, clock: Clock) -> list[str]:
    """Do everything that the settings ask for; returns what could not be done, with the next steps."""
    client = await KubeClient.open(KubeSource(kubeconfig=config.kubeconfig))
    try:
        store = SecretStore(client=client, namespace=config.namespace)
        problems = await Run(store=store, clock=clock, config=config).run() if config.wanted else []
        if config.webhook:
            problems += await _set_webhook(config, client, store)
    finally:
        await client.close()
    return problems


class Run:
    """Brings the secrets of one namespace to what is wanted."""

    def __init__(
        self,
        *,
        store: SecretStore,
        clock: Clock,
        config: Config,
        pick: material.Pick = secrets.choice,
    ) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self._pick = pick

    async def run(self) -> list[str]:
        """Until every step of one plan went without another writer; returns the refusals."""
        for _ in range(_ATTEMPTS):
            try:
                return await self._attempt()
            except (AlreadyExists, Conflict, NotFound):
                _LOG.info("another writer was first; reading again")
        raise Unavailable("the secrets were changed by others again and again; run it once more")

    async def _attempt(self) -> list[str]:
        found = await self._read()
        around = Surroundings(
            now=self._clock.now(),
            namespace=self._config.namespace,
            ca_secret=self._config.ca_secret,
            renew=self._config.renew,
        )
        steps = plan(self._config.wanted, found, around)
        issuer = _Issuer(found.get(self._config.ca_secret), self._clock)
        problems: list[str] = []
        for step in steps:
            try:
                problems += await self._do(step, found, issuer)
            except (AlreadyExists, Conflict, NotFound):
                raise
            except RoxError as err:
                # One that cannot be made does not keep the others from being made.
                problems.append(f"secret {step.wanted.name}: {err.message}")
        return list(dict.fromkeys(problems))

    async def _read(self) -> Mapping[str, Found]:
        """What exists, the CA read last: another run makes it first, so its leaves imply that we see it."""
        names = dict.fromkeys(one.name for one in self._config.wanted)
        ca = self._config.ca_secret
        order = [name for name in names if name != ca] + ([ca] if ca else [])
        read = {name: await self._store.read(name) for name in order}
        return {name: secret for name, secret in read.items() if secret is not None}

    async def _do(self, step: Step, found: Mapping[str, Found], issuer: _Issuer) -> list[str]:
        name = step.wanted.name
        if step.action is Action.REFUSE:
            return [step.reason]
        if step.action is Action.KEEP:
            _note_kept(name, step.reason)
        elif self._config.dry_run:
            _LOG.info("would be done", name=name, action=step.action.value, note=step.reason)
        elif step.action is Action.RENEW:
            issued = material.leaf(issuer.ca, step.wanted, namespace=self._config.namespace)
            data = {"cert.pem": issued.cert_pem, "key.pem": issued.key_pem}
            await self._store.renew(name, data, version=found[name].version)
            _LOG.info("renewed", name=name, ends=issued.certificate.not_valid_after_utc.isoformat())
        else:
            await self._make(step.wanted, issuer)
        return []

    async def _make(self, wanted: Wanted, issuer: _Issuer) -> None:
        data = material.make(
            wanted,
            issuer.create if wanted.kind is Kind.AUTHORITY else lambda: issuer.ca,
            namespace=self._config.namespace,
            pick=self._pick,
            admin=material.chosen_password(chosen) if (chosen := self._config.admin_password) else b"",
        )
        await self._store.create(
            wanted.name,
            data,
            labels=labels_of(wanted, self._config.release),
            annotations=annotations_of(self._config.release, self._config.namespace),
        )
        _LOG.info("made", name=wanted.name)


def _note_kept(name: str, note: str) -> None:
    if note:
        _LOG.warning("kept, but see to it", name=name, note=note)
    else:
        _LOG.info("kept", name=name)


class _Issuer:
    """The CA in force: of the secret that exists, or the one that was just made."""

    def __init__(self, secret: Found | None, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self._ca: CertificateAuthority | None = None

    @property
    def ca(self) -> CertificateAuthority:
        if self._ca is None:
            if self._secret is None:
                raise Unavailable("it needs the CA, which could not be made")
            data = self._secret.data
            self._ca = CertificateAuthority.load(data["ca.pem"], data["ca-key.pem"], clock=self._clock)
        return self._ca

    def create(self) -> CertificateAuthority:
        self._ca = CertificateAuthority.create(clock=self._clock)
        return self._ca


async def _set_webhook(config: Config, client: KubeClient, store: SecretStore) -> list[str]:
    try:
        names = dict.fromkeys([*([config.ca_secret] if config.ca_secret else []), *webhook.AUTHORITY_SECRETS])
        read = {name: await store.read(name) for name in names}
        pem = webhook.authority({name: secret for name, secret in read.items() if secret is not None})
        changed = await webhook.set_authority(client, config.webhook, pem, dry_run=config.dry_run)
    except RoxError as err:
        return [err.message]
    _LOG.info("the webhook trusts the CA", name=config.webhook, changed=changed)
    return []
