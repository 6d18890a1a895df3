"""Names of test files, which are stored beside the rules; loading a directory of rules skips them."""

import re
from pathlib import Path
from typing import Final

SUFFIXES: Final = ("_test.yaml", "_test.yml")
_BEGINS: Final = re.compile(rb"^- *[\"']?(rules|given|test)[\"']? *:", re.MULTILINE)
_ITEM: Final = re.compile(rb"^- *[\"']?(rule|macro|list|exception|required_\w+)[\"']? *:", re.MULTILINE)
_ENOUGH: Final = 1 << 16
"""Number of bytes that contain the beginning of the first item."""


def is_rule_tests(path: Path) -> bool:
    """Return True if a file contains tests: by its name, and because it contains no rules, which must never be
    skipped."""
    if not path.name.endswith(SUFFIXES):
        return False
    try:
        with path.open("rb") as file:
            begin = file.read(_ENOUGH)
    except OSError:
        return False  # the reader of rules reports it
    return _BEGINS.search(begin) is not None and _ITEM.search(begin) is None
