"""Attempts of an ordinary user to pass for a process that is spared."""
