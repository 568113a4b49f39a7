"""Kubernetes objects in: one module per kind."""
