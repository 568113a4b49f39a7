"""Advisories as range rows: their model, and the feed formats that ecosystems share."""
