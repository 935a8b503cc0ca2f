"""Benchmarks: measure Hushpost next to bare references on the same machine."""
