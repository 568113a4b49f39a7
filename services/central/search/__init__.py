"""Search over everything that is stored."""
