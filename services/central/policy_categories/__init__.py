"""The names under which policies are grouped."""
