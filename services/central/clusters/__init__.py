"""Clusters: registration, configuration, health, and the API over them."""
