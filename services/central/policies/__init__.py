"""Policies: stored, edited, imported and exported, pushed to Sensors."""
