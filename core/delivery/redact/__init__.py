"""Redaction: secrets are masked in an alert before any encoder, spool or sink sees it.

patterns    what a secret looks like in a text          commands    options of programs that take one
redactor    applies them to the values of an alert

What is hidden becomes `[redacted]`. Every regular expression is RE2's: time is linear in the length of the text.
"""

from mozu.core.delivery.redact.patterns import MARK, NAMES, problem_of
from mozu.core.delivery.redact.redactor import Redactor

__all__ = ["MARK", "NAMES", "Redactor", "problem_of"]
