"""Storms: many containers that live for a moment, and checks of mozu's alerts about their first instructions."""
