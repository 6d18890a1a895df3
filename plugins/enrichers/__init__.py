"""What knows more than the stream tells."""
