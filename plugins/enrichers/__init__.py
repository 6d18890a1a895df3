"""Enrichers: plugins that add data missing from the stream of events (container metadata, user names)."""
