"""The fields `proc.*` and `thread.*`."""
