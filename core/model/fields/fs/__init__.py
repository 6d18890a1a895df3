"""The fields `fs.path.*`."""
