"""What things cost: run by hand, numbers go to docs/benchmarks.md. Nothing here passes or fails by time."""
