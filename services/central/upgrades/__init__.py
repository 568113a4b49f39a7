"""Sensor upgrades: asked for by Sensors and upgraders; this Central starts none."""
