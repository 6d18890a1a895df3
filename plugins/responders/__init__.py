"""Responders: plugins that act on alerts; mozu has none of its own yet."""
