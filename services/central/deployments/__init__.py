"""Deployments of secured clusters: what runs, and in which shape."""
