"""What Compliance finds out about its node."""
