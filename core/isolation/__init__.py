"""Fault isolation: a plugin that fails harms no other. Failures are caught and counted in one place."""
