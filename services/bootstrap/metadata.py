"""Labels and annotations of the secrets that bootstrap makes.

`app.py` gives them to each new secret. They are those of upstream's chart, so that
selectors and operators find the secrets, and Helm can take one over.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.bootstrap.config import Release
from services.bootstrap.plan import TLS_LABEL
from services.bootstrap.wanted import Wanted

_LABEL_LENGTH = 63  # Kubernetes' limit for a label's value


def labels_of(wanted: Wanted, release: Release) -> Mapping[str, str]:
    """The labels of this secret; what is not known is left out."""
    made = {
        "app.kubernetes.io/name": "stackrox",
        "app.kubernetes.io/managed-by": "Helm" if release.name else "bootstrap",
        "app.kubernetes.io/instance": release.name,
        "app.kubernetes.io/version": release.version,
        "app.kubernetes.io/part-of": release.part_of,
        "app.kubernetes.io/component": wanted.component,
        "helm.sh/chart": release.chart.replace("+", "_")[:_LABEL_LENGTH],
        TLS_LABEL: "true" if wanted.has_certificate else "",
    }
    return {name: value for name, value in made.items() if value}


def annotations_of(release: Release, namespace: str) -> Mapping[str, str]:
    """Keep the secret when the release goes; name the release, so that Helm may take it over."""
    made = {"helm.sh/resource-policy": "keep", "owner": "stackrox", "email": "support@stackrox.com"}
    if release.name:
        made |= {
            "meta.helm.sh/release-name": release.name,
            "meta.helm.sh/release-namespace": namespace,
        }
    return made
