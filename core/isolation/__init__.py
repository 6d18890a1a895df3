"""Fault isolation: a failing plugin harms no other. Failures are caught and counted in one place."""
