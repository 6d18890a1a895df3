"""The fields `fd.*` and `fdlist.*`."""
