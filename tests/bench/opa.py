"""Our policies beside OPA's: `python -m tests.bench.opa`.

Called by `make bench`. The Rego beside `rego/main.go` says what the default policies of
those names say, their sentences included. Both engines get the same objects, parsed
beforehand, one after the other on the same core; equal verdicts are asserted, and the
ratio, policy by policy, is our median of a deployment to OPA's.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import orjson

from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy import defaults
from pyrox.policy.sets import PolicySet
from pyrox.policy.subject import DeploymentSubject
from tests.bench.workloads import NOW, Workloads, as_json

REGO = Path(__file__).parent / "rego"
# The first of the thousand that `tests.bench.policy` judges; PYROX_BENCH_OPA_OBJECTS=1000 for all.
OBJECTS = int(os.environ.get("PYROX_BENCH_OPA_OBJECTS", "300"))
COMPONENTS, VULNS = 150, 300
LIMIT = 1.0
FEWEST = 15
_BUILD_SECONDS, _RUN_SECONDS = 900, 300


class NotPossibleError(Exception):
    """There is no OPA here; the text says why."""


@dataclass(frozen=True, slots=True)
class Run:
    """What an engine said of each object, and in how many nanoseconds."""

    nanoseconds: list[int]
    messages: list[list[str]]

    @property
    def median_us(self) -> float:
        """Microseconds of a deployment."""
        return statistics.median(self.nanoseconds) / 1000


def program() -> Path:
    """OPA with our Rego's reader around it, built once into the user's cache; raises `NotPossibleError`."""
    if shutil.which("go") is None:
        raise NotPossibleError("Go is not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pyrox-bench" / "opa"
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / "rego"
    command = ["go", "build", "-mod=readonly", "-o", str(target), "."]
    done = subprocess.run(
        command, cwd=REGO, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False
    )
    if done.returncode:
        raise NotPossibleError(f"OPA could not be built: {done.stderr.strip()[-500:]}")
    return target


def theirs(opa: Path, subjects: list[DeploymentSubject]) -> dict[str, Run]:
    """OPA's runs by the name of the Rego file."""
    lines = b"\n".join(orjson.dumps(as_json(subject)) for subject in subjects)
    command = [str(opa), str(REGO)]
    done = subprocess.run(command, input=lines, capture_output=True, timeout=_RUN_SECONDS, check=True)
    return {name: Run(one["nanoseconds"], one["messages"]) for name, one in json.loads(done.stdout).items()}


def ours(policy: Policy, subjects: list[DeploymentSubject]) -> Run:
    """The run of a set with this policy alone, as a detector would ask it."""
    policies = PolicySet.of([policy])
    nanoseconds, messages = [], []
    for subject in subjects:
        begin = time.perf_counter_ns()
        detection = policies.detect(subject, NOW)
        nanoseconds.append(time.perf_counter_ns() - begin)
        messages.append(
            sorted(said.message for match in detection.matches for said in match.verdict.violations)
        )
    return Run(nanoseconds, messages)


def by_file() -> dict[str, Policy]:
    """The default policies by their title, which heads the Rego that says the same."""
    titles = {policy.name: policy for policy in defaults.load()}
    return {
        file.stem: titles[file.read_text().partition("\n")[0].removeprefix("# ")]
        for file in REGO.glob("*.rego")
    }


def main() -> int:
    """Print a line for each policy; 1 when verdicts differ or OPA is quicker."""
    try:
        opa = program()
    except NotPossibleError as reason:
        sys.stdout.write(f"policies beside OPA: skipped: {reason}\n")
        return 0
    # One core for both, the same one.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    subjects = list(Workloads().deployments(OBJECTS, components=COMPONENTS, vulns=VULNS))
    peer, policies = theirs(opa, subjects), by_file()
    assert len(peer) >= FEWEST
    worst, different = 0.0, 0
    for name, run in sorted(peer.items()):
        mine = ours(policies[name], subjects)
        differences = sum(a != b for a, b in zip(mine.messages, run.messages, strict=True))
        ratio = mine.median_us / run.median_us
        worst, different = max(worst, ratio), different + differences
        sys.stdout.write(
            f"{policies[name].name}: {mine.median_us:.1f} us, OPA {run.median_us:.1f} us, "
            f"ratio {ratio:.2f}, {sum(map(bool, mine.messages))} violated, {differences} different\n"
        )
    sys.stdout.write(
        f"{len(peer)} policies on {OBJECTS} deployments of {COMPONENTS} components and {VULNS} "
        f"vulnerabilities: worst ratio to OPA {worst:.2f}, limit {LIMIT}; {different} verdicts differ\n"
    )
    return 1 if different or worst > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
