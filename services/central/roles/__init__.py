"""Roles, permission sets and access scopes: what administrators define."""
