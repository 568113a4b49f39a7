"""One object, three processes, one verdict: Central's check of files, Sensor, Admission.

Generated scenes are judged by all default policies on workloads and by our own ones. No
network is between test and judges; `test_detection.py`, `test_sensor_with_central.py` and
`test_admission.py` do the same over the wire. `PYROX_SCENES` says how many, `PYROX_SCENE_SEED`
where to begin.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections import Counter
from dataclasses import dataclass, field

import pytest

from pyrox.pb.storage.policy_pb2 import LifecycleStage, Policy
from pyrox.policy.defaults import load
from services.sensor.detect.policies import Policies
from tests.support.generated_workloads import Scene, Scenes
from tests.support.own_policies import own_policies
from tests.support.three_judges import (
    AdmissionJudge,
    CentralJudge,
    SensorJudge,
    StillClock,
    Verdicts,
    enforced,
)

SCENES = int(os.environ.get("PYROX_SCENES", "500"))
SEED = int(os.environ.get("PYROX_SCENE_SEED", "1"))
pytestmark = pytest.mark.timeout(120 + SCENES)
# Nobody may enforce these, so Admission does not get them.
NOT_ENFORCEABLE = {"Has Ingress Network Policy", "Has Egress Network Policy"}
# What a request does not hold: an account's permissions, and services that expose a workload.
OF_ACCOUNTS = {"Minimum RBAC Permissions"}
OF_SERVICES = {"Port Exposure Method", "Exposed Node Port"}


def policies() -> list[Policy]:
    """All policies on workloads, the disabled ones switched on."""
    found = [one for one in (*load(), *own_policies()) if LifecycleStage.DEPLOY in one.lifecycle_stages]
    for policy in found:
        policy.disabled = False
    return found


def criteria(policy: Policy) -> set[str]:
    """The names of its criteria."""
    return {group.field_name for section in policy.policy_sections for group in section.policy_groups}


@dataclass
class Judged:
    """What came out of all scenes."""

    differences: list[str] = field(default_factory=list)
    fired: Counter[str] = field(default_factory=Counter)
    """How often each policy was violated, and how often a workload was none of its own."""

    def compare(self, scene: Scene, who: str, found: Verdicts | None, expected: Verdicts | None) -> None:
        if found == expected:
            return
        wrong = {
            key: {"sensor": (expected or {}).get(key), who: (found or {}).get(key)}
            for key in sorted({*(expected or {}), *(found or {})})
            if (expected or {}).get(key) != (found or {}).get(key)
        }
        self.differences.append(f"{scene.name}: {json.dumps(wrong)}\n{json.dumps(scene.workload)}")


@pytest.fixture(scope="module")
def judged() -> Judged:
    return asyncio.run(_judge_all())


async def _judge_all() -> Judged:
    clock, known = StillClock(), policies()
    current = Policies()
    current.replace(known)
    assert current.current.problems == ()
    enforceable = [one for one in known if not criteria(one) & NOT_ENFORCEABLE]
    ruling = enforced(enforceable)
    out = Judged()
    for at, scene in enumerate(itertools.islice(Scenes(SEED, now=clock.moment), SCENES)):
        sensor = SensorJudge(scene, current, clock)
        await sensor.watch()
        expected = await sensor.judge()
        out.fired.update(list(expected) if expected is not None else ["nothing to judge"])
        central = CentralJudge(sensor, current.current, clock)
        found = await central.judge(as_json=bool(at % 2), stored=at % 4 > 1)
        out.compare(scene, "central", found, expected)
        beyond = OF_ACCOUNTS | (OF_SERVICES if scene.services else set())
        asked = {one.id for one in enforceable if not criteria(one) & beyond}
        admission = await AdmissionJudge(scene, ruling, clock).judge() or {}
        out.compare(
            scene,
            "admission",
            {key: said for key, said in admission.items() if key in asked},
            {key: said for key, said in (expected or {}).items() if key in asked},
        )
    return out


def test_three_processes_say_the_same_of_every_scene(judged: Judged) -> None:
    assert judged.differences[:3] == []
    assert len(judged.differences) == 0


def test_scenes_are_broad_enough_to_say_something(judged: Judged) -> None:
    silent = {one.name for one in policies() if not judged.fired[one.id]}
    assert silent == set()
    assert judged.fired["nothing to judge"] > 0
