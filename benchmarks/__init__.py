"""Benchmarks: run by hand, numbers go to docs/operate/benchmarks.md. Nothing here passes or fails by time."""
