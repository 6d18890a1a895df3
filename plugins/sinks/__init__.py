"""Sinks: plugins that deliver alerts."""
