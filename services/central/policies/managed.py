"""Policies that are managed from outside Central, and who may change them.

A policy whose `source` is DECLARATIVE follows a SecurityPolicy resource or a mounted file.
A change by anybody but the config controller would be undone by the next comparison, so it
is refused. The policy service asks here.
"""

from __future__ import annotations

from pyrox.errors import NotAuthorized
from pyrox.pb.storage.policy_pb2 import DECLARATIVE, IMPERATIVE, Policy
from pyrox.rpc.call import Call

# The default role of upstream's config-controller (central/auth/datastore/datastore_impl.go).
CONTROLLER_ROLE = "Configuration Controller"


def controls(call: Call) -> bool:
    """Whether the caller is the config controller."""
    return CONTROLLER_ROLE in call.identity.grants.role_names()


def refuse_others(policy: Policy, call: Call) -> None:
    """Raise `NotAuthorized` for a policy that is managed from outside, unless its controller asks."""
    if policy.source == DECLARATIVE and not controls(call):
        raise NotAuthorized.because(
            f'policy "{policy.name}" is externally managed; change or delete the SecurityPolicy resource '
            "or the mounted file that it comes from"
        )


def set_source(policy: Policy, call: Call) -> None:
    """What a user writes is the user's own, whatever a copied policy says of itself."""
    if not controls(call):
        policy.source = IMPERATIVE
