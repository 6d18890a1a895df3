"""Attempts of an ordinary user to be taken for a process that is spared."""
