"""Collector: kernel events of one node, streamed to Sensor."""
