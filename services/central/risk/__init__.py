"""Risk: how urgent deployments and images are, and the rank that follows from it."""
