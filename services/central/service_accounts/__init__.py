"""Kubernetes service accounts and what they may do."""
