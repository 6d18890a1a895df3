"""Responders: plugins that act on alerts."""
