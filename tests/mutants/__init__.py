"""Mutation tests (`make mutants`): lines of mozu are changed one at a time, and tests that do not notice are
reported."""
