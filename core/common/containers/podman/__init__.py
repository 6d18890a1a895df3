"""podman: storage of root and of users, and its API where it listens."""
