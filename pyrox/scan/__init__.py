"""The scanner's model, file formats and ecosystems; pure."""
