"""What enrichers of container runtimes share: the cache of metadata, look-ups, OCI runtime specifications."""
