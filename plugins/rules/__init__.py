"""Evaluators: plugins that decide which events raise alerts."""
