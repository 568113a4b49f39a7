"""Columns of access control: roles, scopes, tokens, identity providers, issued bundles.

Facts only: upstream's search labels and the proto paths they read. `tables.py` collects them.
"""

from __future__ import annotations

from pyrox.pb.storage import (
    api_token_pb2,
    auth_machine_to_machine_pb2,
    auth_provider_pb2,
    cluster_init_pb2,
    group_pb2,
    role_pb2,
    service_identity_pb2,
)
from services.central.db.fields import Column, Kind, Table

ROLES: Table[role_pb2.Role] = Table(
    name="roles",
    message=role_pb2.Role,
    columns=(
        Column("name", "name", Kind.TEXT, key=True),
        Column("permissionsetid", "permission_set_id", Kind.UUID),
        Column("accessscopeid", "access_scope_id", Kind.UUID),
    ),
)
PERMISSION_SETS: Table[role_pb2.PermissionSet] = Table(
    name="permission_sets",
    message=role_pb2.PermissionSet,
    columns=(
        Column("id", "id", Kind.UUID, key=True),
        Column("name", "name", Kind.TEXT, unique=True),
    ),
)
ACCESS_SCOPES: Table[role_pb2.SimpleAccessScope] = Table(
    name="simple_access_scopes",
    message=role_pb2.SimpleAccessScope,
    columns=(
        Column("id", "id", Kind.UUID, key=True),
        Column("name", "name", Kind.TEXT, unique=True),
    ),
)
API_TOKENS: Table[api_token_pb2.TokenMetadata] = Table(
    name="api_tokens",
    message=api_token_pb2.TokenMetadata,
    columns=(
        Column("id", "id", Kind.TEXT, key=True),
        Column("expiration", "expiration", Kind.TIME, "Expiration"),
        Column("revoked", "revoked", Kind.BOOL, "Revoked"),
    ),
)
AUTH_PROVIDERS: Table[auth_provider_pb2.AuthProvider] = Table(
    name="auth_providers",
    message=auth_provider_pb2.AuthProvider,
    columns=(
        Column("id", "id", Kind.TEXT, key=True),
        Column("name", "name", Kind.TEXT, "AuthProvider Name", hidden=True, unique=True),
    ),
)
MACHINE_LOGINS: Table[auth_machine_to_machine_pb2.AuthMachineToMachineConfig] = Table(
    name="auth_machine_to_machine_configs",
    message=auth_machine_to_machine_pb2.AuthMachineToMachineConfig,
    columns=(
        Column("id", "id", Kind.UUID, key=True),
        Column("issuer", "issuer", Kind.TEXT, unique=True),
    ),
)
GROUPS: Table[group_pb2.Group] = Table(
    name="groups",
    message=group_pb2.Group,
    columns=(
        Column("props_id", "props.id", Kind.TEXT, key=True),
        Column(
            "props_authproviderid", "props.auth_provider_id", Kind.TEXT, "Group Auth Provider", hidden=True
        ),
        Column("props_key", "props.key", Kind.TEXT, "Group Key", hidden=True),
        Column("props_value", "props.value", Kind.TEXT, "Group Value", hidden=True),
        Column("rolename", "role_name", Kind.TEXT, "Role", hidden=True),
    ),
)
SERVICE_IDENTITIES: Table[service_identity_pb2.ServiceIdentity] = Table(
    name="service_identities",
    message=service_identity_pb2.ServiceIdentity,
    columns=(Column("serialstr", "serial_str", Kind.TEXT, key=True),),
)
INIT_BUNDLES: Table[cluster_init_pb2.InitBundleMeta] = Table(
    name="cluster_init_bundles",
    message=cluster_init_pb2.InitBundleMeta,
    columns=(Column("id", "id", Kind.TEXT, key=True),),
)
