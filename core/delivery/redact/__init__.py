"""Redaction: secrets are masked in an alert before any encoder, spool or sink sees it.

    patterns    regular expressions for secrets in a text          commands    options of programs that take a secret
    redactor    applies both to the values of an alert

A hidden secret becomes `[redacted]`. Every regular expression is RE2's: its time is linear in the length of the text.
"""

from mozu.core.delivery.redact.patterns import MARK, NAMES, problem_of
from mozu.core.delivery.redact.redactor import Redactor

__all__ = ["MARK", "NAMES", "Redactor", "problem_of"]
