"""The error of a backup that cannot be used.

Every module of this folder raises it; the routes and the servicer pass it on.
"""

from __future__ import annotations

from pyrox.errors import Referenced


class Refused(Referenced):
    """It cannot be done as things stand; the same request again would end the same way.

    It carries gRPC's FAILED_PRECONDITION, which upstream's client does not repeat.
    """

    SENTINEL = "failed precondition"
