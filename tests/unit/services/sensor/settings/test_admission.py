"""What Admission is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pyrox.pb.internalapi.central.sensor_iservice_pb2 import ImageKey, MsgToSensor
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.policy_pb2 import Policy, PolicyGroup, PolicySection, PolicyValue
from services.sensor.detect.policies import Policies
from services.sensor.settings.admission import AdmissionSettings
from tests.support.pki import FixedClock


def policy(name: str, field: str, value: str, **extra: Any) -> Policy:
    group = PolicyGroup(field_name=field, values=[PolicyValue(value=value)])
    section = PolicySection(policy_groups=[group])
    return Policy(id=name, name=name, policy_version="1.1", policy_sections=[section], **extra)


RUNTIME: dict[str, Any] = {
    "lifecycle_stages": [policy_pb2.RUNTIME],
    "event_source": policy_pb2.DEPLOYMENT_EVENT,
}
DEPLOY: dict[str, Any] = {"lifecycle_stages": [policy_pb2.DEPLOY]}
SCALE = policy_pb2.SCALE_TO_ZERO_ENFORCEMENT
ALL = (
    policy("enforced", "Privileged Container", "true", enforcement_actions=[SCALE], **DEPLOY),
    policy("informs", "Privileged Container", "true", **DEPLOY),
    policy("off", "Privileged Container", "true", enforcement_actions=[SCALE], disabled=True, **DEPLOY),
    policy(
        "only reported",
        "Privileged Container",
        "true",
        enforcement_actions=[policy_pb2.FAIL_DEPLOYMENT_CREATE_ENFORCEMENT],
        **DEPLOY,
    ),
    policy("exec", "Kubernetes Resource", "PODS_EXEC", **RUNTIME),
    policy("process", "Process Name", "sh", enforcement_actions=[policy_pb2.KILL_POD_ENFORCEMENT], **RUNTIME),
)


def config() -> MsgToSensor:
    message = MsgToSensor()
    message.cluster_config.config.admission_controller_config.enabled = True
    return message


def made() -> tuple[AdmissionSettings, Policies, FixedClock]:
    policies, clock = Policies(), FixedClock()
    return AdmissionSettings(policies=policies, clock=clock, central_endpoint="c:443"), policies, clock


def test_settings_before_a_config_there_are_none() -> None:
    settings, policies, _ = made()
    policies.replace(ALL)
    assert settings.current is None


def test_settings_choose_the_policies_that_admission_acts_on() -> None:
    settings, policies, _ = made()
    settings.on_cluster_config(config())
    policies.replace(ALL)
    assert settings.current is not None
    assert [p.name for p in settings.current.enforced_deploy_time_policies.policies] == ["enforced"]
    assert [p.name for p in settings.current.runtime_policies.policies] == ["exec"]
    assert settings.current.cluster_config.admission_controller_config.enabled


def test_settings_each_push_has_a_later_time_even_without_a_change() -> None:
    settings, policies, clock = made()
    seen: list[int] = []
    stop = settings.listen(
        lambda: seen.append(settings.current.timestamp.ToNanoseconds() if settings.current else 0)
    )
    settings.on_cluster_config(config())
    clock.moment += timedelta(seconds=1)
    policies.replace(())
    assert len(seen) == 2
    assert seen[1] > seen[0]
    stop()
    settings.renew()
    assert len(seen) == 2


def test_forget_images_tells_those_who_asked() -> None:
    settings, _, _ = made()
    forgotten: list[list[ImageKey]] = []
    stop = settings.listen(lambda: None, forgotten.append)
    settings.forget_images([ImageKey(image_id="x")])
    stop()
    settings.forget_images([ImageKey(image_id="y")])
    assert [keys[0].image_id for keys in forgotten] == ["x"]
