"""Logins of machines: tokens of other issuers exchanged for Central's own."""
