"""Admission controller: the webhook that refuses what enforced policies forbid."""
