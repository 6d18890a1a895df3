"""`mozu trace`."""
