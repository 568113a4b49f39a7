"""Errors of the policy engine.

Raised by `pyrox.policy.compile` and `pyrox.policy.validate`; servicers let them through,
since they are `Invalid` and their text names the policy, the section and the criterion.
"""

from __future__ import annotations

from pyrox.errors import Invalid


class PolicyInvalid(Invalid):
    """A policy that cannot be compiled or breaks a rule; the message says which and where."""


class EvaluationError(Exception):
    """A subject contradicts itself (say, a process of a container that the deployment lacks)."""


def error_list(start: str, problems: list[str]) -> str:
    """Upstream's joined form of several errors (pkg/errorhelpers); empty without any."""
    if not problems:
        return ""
    if len(problems) == 1:
        return f"{start} error: {problems[0]}"
    return f"{start} errors: [{', '.join(problems)}]"
