"""Enrichers: plugins that add what the stream of events does not contain (container metadata, user names)."""
