"""The CA of a secured cluster in its webhook's configuration.

The chart renders the caBundle itself when its values hold the CA; otherwise `app.py`
has it set here from a secret. The two decisions are pure functions.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from pyrox.errors import Invalid, NotAuthorized, NotFound
from pyrox.k8s.client import STRATEGIC_PATCH, Json, KubeClient
from pyrox.k8s.kinds import Kind
from pyrox.mtls.bundle import read_crs
from pyrox.mtls.ca import load_certificates
from services.bootstrap.plan import Found

CONFIGURATION = Kind(
    "ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "validatingwebhookconfigurations"
)
# Where a secured cluster keeps its CA, the most specific first (upstream's names).
AUTHORITY_SECRETS = ("service-ca", "sensor-tls", "tls-cert-sensor", "cluster-registration-secret")


def authority(secrets: Mapping[str, Found]) -> bytes:
    """The CA of the first secret that holds one, as PEM. Raises `Invalid` when none does."""
    for name, secret in secrets.items():
        pem = secret.data.get("ca.pem")
        if pem is None and (payload := secret.data.get("crs")) is not None:
            pem = read_crs(payload).authorities[0].encode()
        if not pem:
            continue
        try:
            load_certificates(pem)
        except Invalid as err:
            raise Invalid(f"secret {name}: {err.message}") from err
        return pem
    raise Invalid(
        f"no CA for the webhook: none of the secrets {', '.join(AUTHORITY_SECRETS)} holds one; apply an init "
        "bundle or a cluster registration secret"
    )


def patch(configuration: Json, pem: bytes) -> Json | None:
    """The strategic patch that sets the caBundle of every webhook; None when all have it."""
    bundle = base64.b64encode(pem).decode()
    wrong = [
        str(webhook.get("name", ""))
        for webhook in configuration.get("webhooks") or []
        if (webhook.get("clientConfig") or {}).get("caBundle") != bundle
    ]
    if not wrong:
        return None
    return {"webhooks": [{"name": name, "clientConfig": {"caBundle": bundle}} for name in wrong]}


async def set_authority(client: KubeClient, name: str, pem: bytes, *, dry_run: bool) -> bool:
    """Bring the webhook configuration to this CA; whether it had another or none.

    Raises `Invalid` when there is no such configuration.
    """
    path = f"{CONFIGURATION.path}/{name}"
    try:
        body = patch(await client.get(path), pem)
        if body is not None and not dry_run:
            await client.patch(path, body, form=STRATEGIC_PATCH)
    except NotFound as err:
        raise Invalid(f"ValidatingWebhookConfiguration {name} is missing; install the chart again") from err
    except NotAuthorized as err:
        raise NotAuthorized(f"{err.message}; let the account of the Job get and patch it by name") from err
    return body is not None
