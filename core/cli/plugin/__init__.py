"""`mozu plugin new`: a package that is a plugin, with tests that pass."""
