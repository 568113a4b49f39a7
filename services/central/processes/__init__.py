"""Processes that ran in containers, and their baselines."""
