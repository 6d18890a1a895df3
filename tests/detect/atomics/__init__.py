"""Atomic Red Team's tests for Linux, performed on a copy of a root directory under mozu's own rules."""
