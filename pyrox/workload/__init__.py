"""Kubernetes objects to storage.Deployment; pure, for Sensor, Admission and Central."""
