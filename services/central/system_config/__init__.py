"""System configuration: retention, notices, what counts as a platform component."""
