"""How fast the policy engine is: `python -m tests.bench.policy` prints figures and ratios.

Called by `make bench`. The limits of deployments are ours; the others are what the
reference engine needs on one core: 11.1 ms to read and compile all 89 defaults (4.1 ms for
the 33 that are enabled at deploy time), 7.1 ms for a build of an image of 150 components
and 300 vulnerabilities. Process events are in `tests.bench.processes`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable

from pyrox.policy import defaults, regex
from pyrox.policy.sets import PolicySet
from pyrox.policy.subject import ImageSubject, Subject
from tests.bench.workloads import NOW, Workloads

DEPLOYMENTS, COMPONENTS, VULNS = 1000, 150, 300
_PASSES = 7


def times_ms(run: Callable[[Subject], object], subjects: Iterable[Subject]) -> list[float]:
    """The milliseconds of each call; making a subject is not counted."""
    times = []
    for subject in subjects:
        begin = time.perf_counter()
        run(subject)
        times.append((time.perf_counter() - begin) * 1000)
    return times


def median_ms(run: Callable[[Subject], object], subjects: Iterable[Subject]) -> float:
    """The median of the calls."""
    return statistics.median(times_ms(run, subjects))


def compile_ms() -> float:
    """Reading and compiling all defaults with no expression remembered: the median of a few passes."""
    times = []
    for _ in range(_PASSES):
        regex.forget()
        begin = time.perf_counter()
        PolicySet.of(defaults.load())
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)


def main() -> int:
    """Print a line per figure; 1 when one is beyond its limit."""
    policies = PolicySet.of(defaults.load())
    full = Workloads().deployments(DEPLOYMENTS, components=COMPONENTS, vulns=VULNS)
    single = Workloads(1)
    light = [single.deployment(at, [single.image(at, 0, 0)]) for at in range(DEPLOYMENTS)]
    builds = [ImageSubject(single.image(at, COMPONENTS, VULNS)) for at in range(100)]

    def detect(subject: Subject) -> object:
        return policies.detect(subject, NOW)

    rows = [
        ("read and compile all 89 defaults", compile_ms(), 11.1),
        (
            f"deployment, median of {DEPLOYMENTS} with 2 images, 150 components, 300 vulnerabilities",
            median_ms(detect, full),
            7.0,
        ),
        (f"light deployment, median of {DEPLOYMENTS}", median_ms(detect, light), 0.15),
        ("image at build time, 150 components, 300 vulnerabilities", median_ms(detect, builds), 7.1),
    ]
    for name, ours, limit in rows:
        sys.stdout.write(f"{name}: {ours:.3f} ms, limit {limit} ms, ratio {ours / limit:.2f}\n")
    return 1 if any(ours > limit for _name, ours, limit in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
