"""The fields `evt.*`."""
