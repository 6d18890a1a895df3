"""Fault isolation: a plugin that fails, hangs or blocks harms no other. Failures are caught in one place; code that may
block has threads of its own."""
