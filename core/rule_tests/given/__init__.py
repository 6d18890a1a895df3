"""Fields → an event that the compiled rules read as they read one of a source."""
