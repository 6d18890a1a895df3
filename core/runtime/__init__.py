"""The way from a configuration to a running engine: configuration, plugin registry, event loop, engine."""
