"""Exports that vulnerability management tools read."""
