"""What an evaluation returns.

Made by `pyrox.policy.evaluate`, read by detectors, `pyrox.policy.alerts` and the policy
test command. It must not know how matching works.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyrox.pb.storage.alert_pb2 import Alert


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one policy on one subject.

    `error` is upstream's text when the policy could not be evaluated; then nothing matched.
    """

    matched: bool
    violations: tuple[Alert.Violation, ...] = ()
    process_violation: Alert.ProcessViolation | None = None
    error: str = ""


NO_MATCH = Verdict(matched=False)
