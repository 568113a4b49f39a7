"""Rendered objects against the API schemas of each Kubernetes version that the charts support.

For chart tests. The schemas are upstream's OpenAPI definitions, with unknown fields refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import kubernetes_validate

from tests.support.charts import Manifests

# The versions that the charts promise to work on.
VERSIONS = tuple(f"1.{minor}" for minor in range(27, 36))


def kubernetes_errors(objects: Manifests, version: str, *, foreign: Sequence[str] = ()) -> list[str]:
    """What the strict schema of a Kubernetes version says; `foreign` are kinds that it cannot know."""
    found = []
    for made in objects:
        name = f"{made['kind']}/{made['metadata']['name']}"
        if made["kind"] in foreign:
            continue
        try:
            kubernetes_validate.validate(made, version, strict=True)
        except kubernetes_validate.ValidationError as err:
            found.append(f"{name}: {'.'.join(map(str, err.path))}: {err.message}")
        except kubernetes_validate.SchemaNotFoundError as err:
            found.append(f"{name}: {err.message}")
    return found
