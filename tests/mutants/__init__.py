"""`make mutants`: lines of mozu are changed one at a time, and the tests that notice nothing are found wanting."""
