"""Readers of file formats that several ecosystems share; pure functions of bytes."""
