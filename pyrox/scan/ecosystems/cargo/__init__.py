"""Rust crates."""
