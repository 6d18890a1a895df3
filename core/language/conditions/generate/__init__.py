"""Checked and simplified conditions → Python functions, one per event type over all rules of a source class.

How a generated function works: every field is read at most once per event and lies in a local variable; a test that
several rules share is computed at most once and only when it is reached. Rules that begin with the same tests stand
under one `if`. Where many rules test one field for equality, prefixes, suffixes or parts, a hash look-up on its value
yields those that can still match. All tests are pure and total, so their order is free: cheap and selective ones come
first.
"""
