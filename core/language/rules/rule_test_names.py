"""Files of tests lie beside the rules; what loads a directory of rules passes them by."""

import re
from pathlib import Path
from typing import Final

SUFFIXES: Final = ("_test.yaml", "_test.yml")
_BEGINS: Final = re.compile(rb"^- *[\"']?(rules|given|test)[\"']? *:", re.MULTILINE)
_ITEM: Final = re.compile(rb"^- *[\"']?(rule|macro|list|required_\w+)[\"']? *:", re.MULTILINE)
_ENOUGH: Final = 1 << 16
"""Bytes in which the first item begins."""


def is_rule_tests(path: Path) -> bool:
    """Whether a file holds tests: by its name, and because it does not hold rules, which nothing may pass by."""
    if not path.name.endswith(SUFFIXES):
        return False
    try:
        with path.open("rb") as file:
            begin = file.read(_ENOUGH)
    except OSError:
        return False  # what reads rules says so
    return _BEGINS.search(begin) is not None and _ITEM.search(begin) is None
