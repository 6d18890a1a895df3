"""Packages of mozu for operating systems: `python -m distribution deb` (`make deb`)."""
