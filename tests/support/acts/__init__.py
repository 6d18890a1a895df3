"""Functions that children run in live tests: each ends with the call that its test is about and returns what the child
knows."""
