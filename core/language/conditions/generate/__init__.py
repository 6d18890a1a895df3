"""Checked and simplified conditions → Python functions, one per event type over all rules of a source class.

Structure of a generated function: each field is read at most once per event and kept in a local variable; a test that
several rules share is computed at most once, and only when reached. Rules that begin with the same tests are nested
under one `if`. If many rules test one field for equality, prefixes, suffixes or parts, a hash look-up on its value
yields the rules that can still match. All tests are pure and total, so their order is free: cheap and selective tests
come first.
"""
