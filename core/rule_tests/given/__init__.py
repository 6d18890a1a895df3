"""Construction of an event from fields; the compiled rules read it as they read one of a source."""
