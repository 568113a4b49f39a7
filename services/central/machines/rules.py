"""Which machine logins may be configured. Pure; texts are upstream's (central/auth/service)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from pyrox import env
from pyrox.errors import Invalid
from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from services.central.machines.claims import GITHUB_ISSUER, compiled

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=24)
MAX_MAPPINGS = 1000


def completed(config: AuthMachineToMachineConfig) -> AuthMachineToMachineConfig:
    """The configuration with what the type says already."""
    made = AuthMachineToMachineConfig()
    made.CopyFrom(config)
    if made.type == AuthMachineToMachineConfig.GITHUB_ACTIONS and not made.issuer:
        made.issuer = GITHUB_ISSUER
    return made


def validate(config: AuthMachineToMachineConfig, known_roles: Collection[str], *, needs_id: bool) -> None:
    """Raise `Invalid` for what cannot be used."""
    if needs_id and not config.id:
        raise Invalid("empty ID given")
    _check_duration(config.token_expiration_duration)
    if not config.issuer:
        kind = AuthMachineToMachineConfig.Type.Name(config.type)
        raise Invalid(f"type {kind} was used, but no configuration for the issuer was given")
    if len(config.mappings) > MAX_MAPPINGS:
        raise Invalid(f"more than {MAX_MAPPINGS} mappings given")
    for mapping in config.mappings:
        compiled(mapping.value_expression)
    missing = [mapping.role for mapping in config.mappings if mapping.role not in known_roles]
    if missing:
        raise Invalid("\n".join(f'referenced role "{role}" does not exist' for role in missing))


def lifetime(config: AuthMachineToMachineConfig) -> timedelta:
    """How long a token lives."""
    return env.duration(config.token_expiration_duration)


def _check_duration(text: str) -> None:
    try:
        duration = env.duration(text)
    except ValueError as error:
        raise Invalid(f'invalid token expiration duration given: time: invalid duration "{text}"') from error
    if not SHORTEST <= duration <= LONGEST:
        raise Invalid(
            f"token expiration must be between 1 minute and 24 hours, but was {go_duration(duration)}"
        )


def go_duration(duration: timedelta) -> str:
    """As Go prints a duration of whole seconds: `1h0m0s`, `1m30s`, `5s`."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
