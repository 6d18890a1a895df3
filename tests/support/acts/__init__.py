"""What children do in live tests: each function ends with the call that its test is about and tells what it knows."""
