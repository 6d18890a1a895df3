"""The runtime docker: the engine's files, its API, its stream of events."""
