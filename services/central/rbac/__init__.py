"""Kubernetes roles, their bindings and who is bound."""
