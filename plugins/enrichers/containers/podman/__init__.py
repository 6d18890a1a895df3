"""The runtime podman: storage of root and of users."""
