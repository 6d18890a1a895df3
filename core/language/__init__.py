"""The rule language: conditions and rule files."""
