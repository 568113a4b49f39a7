"""Which other versions go together with ours, as Central tells its peers."""

from __future__ import annotations

# Upstream accepts Sensors of the two releases before its own and three after
# (seen in the answer of /v1/metadata: from 4.9 for a build after 4.11).
COMPATIBLE_SENSOR_VERSIONS = ("4.9", "4.10", "4.11", "5.0", "5.1", "5.2", "5.3")
# Upstream pkg/migrations: the oldest release a rollback may name.
FORCE_ROLLBACK_TO = "4.6"
