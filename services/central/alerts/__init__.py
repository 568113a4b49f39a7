"""Alerts: merged from what Sensors detect, resolved, listed, counted."""
