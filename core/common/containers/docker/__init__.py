"""A docker engine: its files, its API, its stream of events."""
