"""Who may do what: credentials to identities, roles to grants, scopes to objects.

Called by the RPC edge for every request. The servicers that manage roles, tokens and
login live in the domains `roles`, `tokens` and `login`.
"""
