"""Tests: unit mirrors the tree; integration, conformance and e2e go by flow, client and story."""
